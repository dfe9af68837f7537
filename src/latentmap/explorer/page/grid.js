/*
 * Decoding without the model: the file holds the plane decoded at the nodes of a fine grid, and a
 * spot's row is blended from the four nodes around it. The weights change with the spot without a
 * jump, so the eye sees no steps. Outside the grid the nearest edge is shown.
 */

/** The four nodes around a spot and their weights, which sum to 1. */
function nodesAround(x, y) {
  const { width, height, bounds } = scene.grid;
  const [i, right] = cellOf((x - bounds[0]) / (bounds[2] - bounds[0]), width);
  const [j, up] = cellOf((y - bounds[1]) / (bounds[3] - bounds[1]), height);
  const first = j * width + i;
  return {
    nodes: [first, first + 1, first + width, first + width + 1],
    weights: [(1 - right) * (1 - up), right * (1 - up), (1 - right) * up, right * up],
  };
}

/** Which cell of `count` nodes a share of the way (0–1) falls into, and how far into it. */
function cellOf(share, count) {
  const place = Math.min(1, Math.max(0, share)) * (count - 1);
  const cell = Math.min(count - 2, Math.floor(place));
  return [cell, place - cell];
}

/** Blend arrays of equal length into `mixed`. */
function blendInto(mixed, arrays, weights) {
  for (let k = 0; k < mixed.length; k++) {
    let sum = 0;
    for (let a = 0; a < arrays.length; a++) sum += weights[a] * arrays[a][k];
    mixed[k] = sum;
  }
  return mixed;
}

/** Pictures at the nodes, on sheets. */
class PictureGrid {
  #sheets;
  #count;

  constructor() {
    const { width, height, sheets } = scene.grid;
    this.#count = Math.ceil((width * height) / sheets.rows);
    this.#sheets = new Sheets(sheets, "grid", this.#count);
  }

  /** Unpack every sheet while nobody waits, so that the first look at a place is quick too. */
  async prepare() {
    for (let k = 0; k < this.#count; k++) {
      await this.#sheets.sheet(k);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  async at(x, y) {
    const { nodes, weights } = nodesAround(x, y);
    const tiles = await Promise.all(nodes.map((node) => this.#sheets.tile(node)));
    const mixed = new Uint8ClampedArray(tiles[0].data.length);
    blendInto(mixed, tiles.map((tile) => tile.data), weights);
    return { ...tiles[0], data: mixed };
  }
}

/** Table rows at the nodes, 16 bits a value over each column's range. */
class ValueGrid {
  #values = null;

  async prepare() {
    this.#values ??= new ShortRows(await embedded("grid"), scene.grid);
  }

  async at(x, y) {
    await this.prepare();
    const { nodes, weights } = nodesAround(x, y);
    const rows = nodes.map((node) => this.#values.row(node));
    return blendInto(new Float32Array(rows[0].length), rows, weights);
  }
}
