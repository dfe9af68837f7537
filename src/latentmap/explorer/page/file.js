/*
 * The source that has only this file: buffers from its own elements, rows decoded from a grid,
 * figures from the colourings. What needs the model says so.
 */

const NEEDS_SERVER =
  "This file shows what was exported. To place rows of your own, run `latentmap explore MODEL DATA`.";

/** @implements {Source} */
class FileSource {
  #once = new Map();
  #grid = isImage ? new PictureGrid() : new ValueGrid();
  #originals = isImage && scene.sheets ? new Sheets(scene.sheets, "sheet", 32) : null;
  #back = isImage && scene.back ? new Sheets(scene.back, "back", 16) : null;

  buffer(name) {
    return embedded(name);
  }

  /** What is needed again and again is unpacked once. */
  #kept(name, make) {
    if (!this.#once.has(name)) this.#once.set(name, make());
    return this.#once.get(name);
  }

  #rows(name) {
    const { columns } = scene.row;
    const range = { low: columns.map((c) => c.low), high: columns.map((c) => c.high) };
    return this.#kept(name, async () => new ShortRows(await embedded(name), range));
  }

  colours(i) {
    const told = scene.colourings[i];
    return this.#kept(`colour-${i}`, async () => ({
      ...told,
      codes: told.of === "column"
        ? (await this.#rows("values")).column(told.column)
        : new Uint16Array(await embedded(`colour-${i}`)),
    }));
  }

  #density() {
    return this.#kept("density", async () => new Density(await embedded("density")));
  }

  #cloud() {
    return this.#kept("cloud", async () => new Cloud(await embedded("points"), scene.bounds));
  }

  prepare() {
    return this.#grid.prepare();
  }

  async decode(spots) {
    const density = await this.#density();
    const pairs = Array.from({ length: spots.length / 2 }, (_, k) => [spots[2 * k], spots[2 * k + 1]]);
    return {
      densities: Float32Array.from(pairs, ([x, y]) => density.at(x, y)),
      rows: await Promise.all(pairs.map(([x, y]) => this.#grid.at(x, y))),
    };
  }

  /** What a colouring says of row i, null where it says nothing or is not there. */
  async #told(name, i) {
    const which = scene.colourings.findIndex((c) => c.name === name && c.of !== "column");
    if (which < 0) return null;
    const { kind, codes, values, low, high } = await this.colours(which);
    if (codes[i] === MISSING) return null;
    return kind === "category" ? values[codes[i]] : unshort(codes[i], low, high);
  }

  /** One of the texts or numbers that stand whole in the file: names, labels. */
  async #listed(list, i) {
    if (!isEmbedded(list)) return null;
    const read = async () => JSON.parse(new TextDecoder().decode(await embedded(list)));
    return (await this.#kept(list, read))[i];
  }

  async #reconstruction(i) {
    if (this.#back) return this.#back.tile(i);
    if (!isImage && isEmbedded("back")) return (await this.#rows("back")).row(i);
    const cloud = await this.#cloud();
    return this.#grid.at(cloud.x[i], cloud.y[i]);
  }

  async #original(i) {
    if (isImage) return this.#originals?.tile(i) ?? null;
    return isEmbedded("values") ? (await this.#rows("values")).row(i) : null;
  }

  async details(i) {
    const [name, label, confidence, error, original, reconstruction] = await Promise.all([
      this.#listed("names", i),
      this.#listed("labels", i),
      this.#told("confidence", i),
      this.#told("error", i),
      this.#original(i),
      this.#reconstruction(i),
    ]);
    return { number: numberOf(i), name, label, confidence, error, original, reconstruction };
  }

  async thumbs(rows) {
    return this.#originals ? Promise.all(rows.map((i) => this.#originals.tile(i))) : [];
  }

  /** Nearest on the map, or on the line: all that is known here of a row's code. */
  async similar(i) {
    const { x, y } = await this.#cloud();
    const up = scene.plane.components === 1 ? 0 : 1;
    const distances = x.map((_, k) => Math.hypot(x[k] - x[i], up * (y[k] - y[i])));
    distances[i] = Infinity;
    const rows = smallest(distances, SIMILAR).filter((k) => k !== i);
    return { rows, distances: rows.map((k) => distances[k]) };
  }

  async place() {
    throw new Error(NEEDS_SERVER);
  }

  async csv(rows) {
    const columns = await this.#csvColumns();
    const lines = [columns.map(([name]) => name)];
    for (const i of rows) lines.push(await Promise.all(columns.map(([, value]) => value(i))));
    return new Blob([csvText(lines)], { type: "text/csv" });
  }

  /** Names and values of what is known of a row; the names are those of the server's CSV. */
  async #csvColumns() {
    const cloud = await this.#cloud();
    const axes = { 1: ["code 1"], 2: ["code 1", "code 2"] }[scene.plane.components] ?? ["x", "y"];
    const told = scene.colourings.filter((c) => c.of !== "column" && c.name !== "label");
    const values = isImage ? [] : scene.row.columns;
    return [
      ["row", numberOf],
      ...(isEmbedded("names") ? [["name", (i) => this.#listed("names", i)]] : []),
      ...(isEmbedded("labels") ? [["label", (i) => this.#listed("labels", i)]] : []),
      ...axes.map((axis, k) => [axis, (i) => rounded((k ? cloud.y : cloud.x)[i])]),
      ...told.map(({ name }) => [name, async (i) => rounded(await this.#told(name, i))]),
      ...values.map(({ name }, j) => [name, async (i) => rounded((await this.#original(i))[j])]),
    ];
  }
}

/** A number to the six digits that 16 bits can bear; anything else as it is. */
const rounded = (value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : value);

/** Where the `count` smallest of many values are, the smallest first. */
function smallest(values, count) {
  const best = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === count && values[i] >= values[best[count - 1]]) continue;
    let place = best.length;
    while (place > 0 && values[best[place - 1]] > values[i]) place--;
    best.splice(place, 0, i);
    best.length = Math.min(best.length, count);
  }
  return best;
}
