/*
 * Sources of rows: the server of this page, or the exported file itself.
 */

import {
  createDecodedGrid, decodeBase64, densityAt, embeddedBuffer, isEmbedded, storedRows,
} from "./exported_data.js";
import { formatCsv, formatValue } from "./format.js";
import { loadEncoder, readRows } from "./new_rows.js";
import { Points } from "./points.js";
import { SIMILAR_ROWS, columns, imageSize, loadTexts, numberOf, scene, valueOf } from "./scene.js";

/** @import { Colors, NewRow, Picture, PlacedRow, Point, Row, Source, StoredRows, TableRow } from "./types.js" */

/** The token in the link. A server that other machines can reach requires it. */
const token = new URLSearchParams(location.search).get("token");

/**
 * Send a GET request or, with a body, a POST request. The header X-Latentmap cannot be sent by other
 * web pages. Throw an error with the server's message if the request fails.
 * @param {string} path @param {BodyInit} [body]
 */
async function request(path, body) {
  const headers = { "X-Latentmap": "1", ...(token && { "X-Token": token }) };
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", body, headers });
  } catch {
    throw new Error("The server of this page does not respond. Start latentmap again, and open the link that it prints.");
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({ error: `The server responded with status ${response.status}.` }));
  throw new Error(error);
}

/** @param {string} path @param {BodyInit} [body] */
const requestJson = async (path, body) => (await request(path, body)).json();

/**
 * Convert a row in JSON: pixels in base64, or the values of a table row.
 * @param {string | TableRow} row @returns {Row}
 */
function rowFromJson(row) {
  if (typeof row !== "string") return row;
  if (!imageSize) throw new Error("The rows of a table cannot be images.");
  return { ...imageSize, data: decodeBase64(row) };
}

/** Convert the original and the reconstruction in the details of a row. @param {any} details */
const detailsFromJson = (details) => ({
  ...details,
  original: rowFromJson(details.original),
  reconstruction: rowFromJson(details.reconstruction),
});

/** @implements {Source} */
export class ServerSource {
  /** @param {string} name */
  async buffer(name) {
    return (await request(`data/${name}`)).arrayBuffer();
  }

  /** @param {number} i */
  async colors(i) {
    const colors = await requestJson(`colors/${i}`);
    return { ...scene.color_scales[i], ...colors, values: new Uint16Array(decodeBase64(colors.values).buffer) };
  }

  /** @param {Point[]} points */
  async decode(points) {
    const { densities, rows } = await requestJson("decode", Float32Array.from(points.flat()));
    return { densities, rows: rows.map(rowFromJson) };
  }

  /** @param {number} i */
  async details(i) {
    return detailsFromJson(await requestJson(`row/${i}`));
  }

  /** @param {number[]} rows @returns {Promise<Picture[]>} */
  async thumbnails(rows) {
    if (rows.length === 0) return [];
    const { images, ...size } = await requestJson("thumbnails", Uint32Array.from(rows));
    return images.map((/** @type {string} */ image) => ({ ...size, data: decodeBase64(image) }));
  }

  /** @param {number[]} rows */
  async tableRows(rows) {
    return rows.length ? requestJson("rows", Uint32Array.from(rows)) : [];
  }

  /** @param {number} i */
  similar(i) {
    return requestJson(`similar/${i}`);
  }

  /** @param {string} name @param {Blob} file */
  async place(name, file) {
    const placement = await requestJson(`place/${encodeURIComponent(name)}`, file);
    return { ...placement, rows: placement.rows.map(detailsFromJson) };
  }

  /** @param {number[]} rows */
  async csv(rows) {
    return (await request("csv", Uint32Array.from(rows))).blob();
  }
}

/**
 * Source of an exported file: rows are interpolated on a grid, and scores are the values of colour
 * scales.
 * @implements {Source}
 */
export class FileSource {
  /** @type {Map<string, Promise<any>>} */
  #cache = new Map();
  #grid = createDecodedGrid();
  #originals = storedRows("originals", scene.originals, 32);
  #table = imageSize ? storedRows("originals", undefined, 1) : this.#originals;
  #reconstructions = storedRows("reconstructions", scene.reconstructions, 16);
  prepare = this.#grid.prepare;
  buffer = embeddedBuffer;
  #points = embeddedBuffer("points").then((buffer) => new Points(buffer));

  /**
   * Return a promise that is created once for each key.
   * @template T
   * @param {string} key @param {() => Promise<T>} create @returns {Promise<T>}
   */
  #cached(key, create) {
    const promise = this.#cache.get(key) ?? create();
    this.#cache.set(key, promise);
    return promise;
  }

  /** @param {number} i @returns {Promise<Colors>} */
  colors(i) {
    const scale = scene.color_scales[i];
    return this.#cached(`color-${i}`, async () => ({
      ...scale,
      values: scale.column === undefined
        ? new Uint16Array(await embeddedBuffer(`color-${i}`))
        : await /** @type {Required<StoredRows>} */ (this.#table).column(scale.column),
    }));
  }

  /** @param {Point[]} points */
  async decode(points) {
    const cells = await this.#cached("density", async () => new Uint8Array(await embeddedBuffer("density")));
    return {
      densities: points.map((point) => densityAt(cells, point)),
      rows: await Promise.all(points.map((point) => this.#grid.rowAt(point))),
    };
  }

  /**
   * Return a score of a row, null if the file does not contain it.
   * @param {string} name @param {number} i
   */
  async #score(name, i) {
    const index = scene.color_scales.findIndex((c) => c.name === name && c.column === undefined);
    return index < 0 ? null : /** @type {number | null} */ (valueOf(await this.colors(index), i));
  }

  /**
   * Return the name or label of a row, null if the rows have none.
   * @param {string | null} list  the name of a buffer
   * @param {number} i
   */
  async #text(list, i) {
    return list && isEmbedded(list) ? (await loadTexts(this, list))[i] : null;
  }

  /**
   * Return the reconstruction of a row. The file contains reconstructions only if codes have more
   * than two components; otherwise the grid approximates them.
   * @param {number} i @returns {Promise<Row>}
   */
  async #reconstruction(i) {
    if (scene.n_components > 2) return this.#reconstructions.row(i);
    return this.#grid.rowAt((await this.#points).positionOf(i));
  }

  /** @param {number} i */
  async details(i) {
    const [name, label, confidence, error, original, reconstruction] = await Promise.all([
      this.#text(scene.names, i),
      this.#text("labels", i),
      this.#score("confidence", i),
      this.#score("error", i),
      this.#originals.row(i),
      this.#reconstruction(i),
    ]);
    const metadata = imageSize && columns.length ? { metadata: /** @type {TableRow} */ (await this.#table.row(i)) } : {};
    return { number: numberOf(i), name, label, confidence, error, original, reconstruction, ...metadata };
  }

  /** @param {number[]} rows @returns {Promise<Picture[]>} */
  async thumbnails(rows) {
    const pictures = await Promise.all(rows.map((i) => this.#originals.row(i)));
    return pictures.filter((picture) => "data" in picture);
  }

  /** @param {number[]} rows */
  async tableRows(rows) {
    const values = await Promise.all(rows.map((i) => this.#table.row(i)));
    return values.filter((row) => Array.isArray(row));
  }

  /** Return the nearest rows on the map, because the file contains no codes. @param {number} i */
  async similar(i) {
    return this.#nearestRows((await this.#points).positionOf(i), i);
  }

  /** @param {Point} point @param {number} [excluded]  a row */
  async #nearestRows([left, low], excluded = -1) {
    const { x, y } = await this.#points;
    const weight = scene.n_components === 1 ? 0 : 1; // For one component, y is the height in a histogram.
    const distances = x.map((_, k) => Math.hypot(x[k] - left, weight * (y[k] - low)));
    const rows = [...distances.keys()]
      .filter((k) => k !== excluded)
      .sort((a, b) => distances[a] - distances[b])
      .slice(0, SIMILAR_ROWS);
    return { rows, distances: rows.map((k) => distances[k]) };
  }

  /** @param {string} name @param {Blob} file */
  async place(name, file) {
    const { rows, ...facts } = await readRows(name, file);
    const placeRow = await loadEncoder(this);
    return { ...facts, rows: await Promise.all(rows.map((row) => this.#placedRow(row, placeRow(row.numbers)))) };
  }

  /** @param {NewRow} row @param {Point} point @returns {Promise<PlacedRow>} */
  async #placedRow({ original }, point) {
    const [{ rows, distances }, reconstruction] = await Promise.all([this.#nearestRows(point), this.#grid.rowAt(point)]);
    return { point, similar: rows, distances, original, reconstruction, confidence: null, error: null };
  }

  /** Write the same columns as the server, with map positions instead of codes. @param {number[]} rows */
  async csv(rows) {
    const points = await this.#points;
    const axes = { 1: ["code 1"], 2: ["code 1", "code 2"] }[scene.n_components] ?? ["x", "y"];
    const scores = scene.color_scales.filter((c) => c.column === undefined && c.name !== "label");
    const lists = /** @type {const} */ (["names", "labels"]).filter(isEmbedded);
    /** @type {unknown[][]} */
    const lines = [["row", ...lists.map((list) => list.slice(0, -1)), ...axes, ...scores.map((c) => c.name), ...columns.map((c) => c.name)]];
    for (const i of rows) {
      const texts = await Promise.all(lists.map((list) => this.#text(list, i)));
      const numbers = [
        ...points.positionOf(i).slice(0, axes.length),
        ...await Promise.all(scores.map((c) => this.#score(c.name, i))),
      ];
      const row = columns.length ? await this.#table.row(i) : [];
      const values = Array.isArray(row) ? row.map(csvValue) : [];
      lines.push([numberOf(i), ...texts, ...numbers.map(rounded), ...values]);
    }
    return new Blob([formatCsv(lines)], { type: "text/csv" });
  }
}

/** Return a value of a table row as it is written. @param {number | string | null} value @param {number} j */
const csvValue = (value, j) =>
  columns[j].kind === "date" && value !== null ? formatValue(value, columns[j]) : rounded(value);

/** Round a number to the six digits that 16 bits can hold. @param {unknown} value */
const rounded = (value) =>
  typeof value === "number" && Number.isFinite(value) ? Number(value.toPrecision(6)) : value;
