/*
 * Positions of the rows on the map: arrays of coordinates, search for the nearest point, and the
 * positions of category names.
 */

import { scene } from "./scene.js";
import { isShown } from "./state.js";

/** @import { Colours, Point } from "./scene.js" */

const SEARCH_CELLS = 256; // per side of the search grid
const LABEL_CELLS = 48; // per side of the grid that finds the densest part of a category
const MAX_LABELS = 30;

/**
 * The coordinates are kept in the order of the rows and in a random order for drawing: rows are
 * often sorted by label, and the last label would cover the others.
 */
export class Points {
  /** @param {ArrayBuffer} buffer  uint16 pairs (x, y) over the bounds */
  constructor(buffer) {
    const pairs = new Uint16Array(buffer);
    const [x0, y0, x1, y1] = scene.bounds;
    this.size = pairs.length / 2;
    this.x = coordinates(pairs, 0, x0, x1);
    this.y = coordinates(pairs, 1, y0, y1);
    this.order = shuffledIndices(this.size);
    this.shuffledX = gather(this.x, this.order);
    this.shuffledY = gather(this.y, this.order);
  }

  /** @param {number} row @returns {Point} */
  positionOf(row) {
    return [this.x[row], this.y[row]];
  }
}

/** @param {Uint16Array} pairs @param {number} axis @param {number} low @param {number} high */
function coordinates(pairs, axis, low, high) {
  const step = (high - low) / 65535;
  return Float32Array.from({ length: pairs.length / 2 }, (_, i) => low + pairs[2 * i + axis] * step);
}

/**
 * Return the values at indices.
 * @template {Float32Array | Uint16Array | Uint8Array} T
 * @param {T} values
 * @param {ArrayLike<number>} indices
 * @returns {T}
 */
export function gather(values, indices) {
  const gathered = new /** @type {any} */ (values.constructor)(indices.length);
  for (let k = 0; k < indices.length; k++) gathered[k] = values[indices[k]];
  return gathered;
}

/** Return 0…count-1 in a random order that is always the same (Fisher–Yates, mulberry32). @param {number} count */
function shuffledIndices(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let seed = 1;
  for (let i = count - 1; i > 0; i--) {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const other = ((mixed ^ (mixed >>> 14)) >>> 0) % (i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/** Return the cell of a coordinate. @param {number} value @param {number} low @param {number} high @param {number} cells */
const cellOf = (value, low, high, cells) =>
  Math.min(cells - 1, Math.max(0, Math.floor(((value - low) / (high - low || 1)) * cells)));

/**
 * Search for the nearest point at every move of the pointer: rows are sorted once by the cells of a
 * grid (a counting sort), and a search visits only the cells around the pointer.
 */
export class PointSearch {
  #points;
  #starts; // the rows of a cell are at starts[cell] … starts[cell + 1] - 1
  #sortedRows;

  /** @param {Points} points */
  constructor(points) {
    this.#points = points;
    const cells = Uint32Array.from(points.x, (x, i) => this.#column(x) + SEARCH_CELLS * this.#line(points.y[i]));
    this.#starts = new Uint32Array(SEARCH_CELLS ** 2 + 1);
    for (const cell of cells) this.#starts[cell + 1]++;
    for (let cell = 0; cell < SEARCH_CELLS ** 2; cell++) this.#starts[cell + 1] += this.#starts[cell];
    const next = this.#starts.slice();
    this.#sortedRows = new Uint32Array(points.size);
    cells.forEach((cell, i) => { this.#sortedRows[next[cell]++] = i; });
  }

  /** @param {number} x */
  #column(x) {
    return cellOf(x, scene.bounds[0], scene.bounds[2], SEARCH_CELLS);
  }

  /** @param {number} y */
  #line(y) {
    return cellOf(y, scene.bounds[1], scene.bounds[3], SEARCH_CELLS);
  }

  /** Return the nearest shown row within a radius of a point, or -1. @param {Point} point @param {number} radius */
  nearest([x, y], radius) {
    let [best, smallest] = [-1, radius * radius];
    for (let line = this.#line(y - radius); line <= this.#line(y + radius); line++) {
      const first = this.#starts[this.#column(x - radius) + SEARCH_CELLS * line];
      const end = this.#starts[this.#column(x + radius) + SEARCH_CELLS * line + 1];
      for (let k = first; k < end; k++) {
        const row = this.#sortedRows[k];
        const distance = (this.#points.x[row] - x) ** 2 + (this.#points.y[row] - y) ** 2;
        if (distance > smallest || !isShown(row)) continue;
        [best, smallest] = [row, distance];
      }
    }
    return best;
  }
}

/**
 * Return where the names of categories are written, the largest category first: in the densest part
 * of each, because the mean of a category with two clusters lies between them.
 * @param {Colours} colours
 * @param {Points} points
 */
export function labelPositions({ kind, codes, values = [] }, points) {
  if (kind !== "category" || values.length > MAX_LABELS) return [];
  /** @type {number[][]} */
  const rows = values.map(() => []);
  codes.forEach((code, i) => rows[code]?.push(i));
  return rows
    .map((members, code) => ({ code, text: values[code], members }))
    .filter(({ members }) => members.length > 0)
    .sort((a, b) => b.members.length - a.members.length)
    .map(({ code, text, members }) => ({ code, text, position: densestPosition(members, points) }));
}

/** Return the mean position of the members in the 5 × 5 cells that hold most of them. @param {number[]} members @param {Points} points @returns {Point} */
function densestPosition(members, points) {
  const [x0, y0, x1, y1] = scene.bounds;
  const side = LABEL_CELLS + 4;
  const across = members.map((i) => 2 + cellOf(points.x[i], x0, x1, LABEL_CELLS));
  const up = members.map((i) => 2 + cellOf(points.y[i], y0, y1, LABEL_CELLS));
  const counts = new Uint32Array(side * side);
  members.forEach((_, k) => {
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) counts[(up[k] + dy) * side + across[k] + dx]++;
    }
  });
  const best = counts.reduce((top, value, cell) => (value > counts[top] ? cell : top), 0);
  const near = members.filter((_, k) =>
    Math.abs(across[k] - (best % side)) <= 2 && Math.abs(up[k] - Math.floor(best / side)) <= 2);
  const mean = (/** @type {Float32Array} */ values) =>
    near.reduce((sum, i) => sum + values[i], 0) / near.length;
  return [mean(points.x), mean(points.y)];
}
