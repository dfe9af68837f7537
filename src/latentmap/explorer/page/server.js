/*
 * The source that asks the server which also gave this page. Every request carries the header that
 * a foreign page cannot send, and the token of the link where there is one.
 */

const TOKEN = new URLSearchParams(location.search).get("token");

/** Ask the server; an answer that is not fine becomes an error with the server's own sentence. */
async function ask(path, options = {}) {
  const headers = { "X-Latentmap": "1", ...(TOKEN && { "X-Token": TOKEN }) };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("The server does not answer. Is `latentmap explore` still running?");
  }
  if (!answer.ok) throw new Error(await sentenceOf(answer));
  return answer;
}

async function sentenceOf(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return `The server answered with ${answer.status}.`;
  }
}

const bytesOf = async (path) => new Uint8Array(await (await ask(path)).arrayBuffer());

/** Bytes of a base64 text. */
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** @implements {Source} */
class ServerSource {
  async buffer(name) {
    return (await ask(`data/${name}`)).arrayBuffer();
  }

  async colours(i) {
    const answer = await ask(`data/colour-${i}`);
    const told = scene.colourings[i];
    const values = answer.headers.get("X-Values");
    return {
      ...told,
      low: told.low ?? Number(answer.headers.get("X-Low")),
      high: told.high ?? Number(answer.headers.get("X-High")),
      values: values ? JSON.parse(decodeURIComponent(values)) : told.values,
      codes: new Uint16Array(await answer.arrayBuffer()),
    };
  }

  async decode(spots) {
    const count = spots.length / 2;
    const answer = await ask("decode", { method: "POST", body: spots });
    const bytes = await answer.arrayBuffer();
    const densities = new Float32Array(bytes, 0, count);
    const rows = isImage
      ? cutPictures(new Uint8Array(bytes, 4 * count), count, scene.row)
      : cutRows(new Float32Array(bytes, 4 * count), count);
    return { densities, rows };
  }

  async details(i) {
    const told = (await ask(`row/${i}`)).json();
    const sides = ["original", "reconstruction"];
    const pictures = isImage ? sides.map((side) => bytesOf(`row/${i}/${side}`)) : [];
    const [details, ...bytes] = await Promise.all([told, ...pictures]);
    sides.forEach((side, k) => {
      details[side] = isImage
        ? { ...scene.row, data: bytes[k] }
        : Float32Array.from(details[side], (value) => value ?? NaN);
    });
    return details;
  }

  async thumbs(rows) {
    if (rows.length === 0) return [];
    const answer = await ask(`thumbs?rows=${rows.join(",")}`);
    const [count, height, width, channels] = answer.headers.get("X-Shape").split(",").map(Number);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return cutPictures(bytes, count, { height, width, channels });
  }

  async similar(i) {
    return (await ask(`similar/${i}?k=${SIMILAR}`)).json();
  }

  async place(name, body) {
    const answer = await ask(`place?name=${encodeURIComponent(name)}`, { method: "POST", body });
    const placed = await answer.json();
    for (const row of placed.rows) {
      for (const side of ["original", "reconstruction"]) {
        row[side] = isImage
          ? { ...scene.row, data: fromBase64(row[`${side}64`]) }
          : Float32Array.from(row[side], (value) => value ?? NaN);
      }
    }
    return placed;
  }

  async csv(rows) {
    return (await ask("csv", { method: "POST", body: Uint32Array.from(rows) })).blob();
  }
}
