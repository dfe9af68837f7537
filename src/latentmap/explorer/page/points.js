/*
 * Positions of the rows and of category names on the map.
 */

import { scene } from "./scene.js";
import { isShown } from "./state.js";

/** @import { Bounds, Colors, Point } from "./types.js" */

const LABEL_CELLS = 48; // Number of cells per side of the grid that finds the densest part of a category.
const MAX_LABELS = 200;

/** Map coordinates of all rows. */
export class Points {
  /** @param {ArrayBuffer} buffer  uint16 pairs (x, y) over the bounds */
  constructor(buffer) {
    const pairs = new Uint16Array(buffer);
    const [x0, y0, x1, y1] = scene.bounds;
    this.size = pairs.length / 2;
    this.x = coordinates(pairs, 0, x0, x1);
    this.y = coordinates(pairs, 1, y0, y1);
  }

  /** @param {number} row @returns {Point} */
  positionOf(row) {
    return [this.x[row], this.y[row]];
  }

  /**
   * Return the rows inside a region in ascending order, or the first `limit` of them.
   * @param {Bounds} region @param {number} [limit]
   */
  rowsIn([x0, y0, x1, y1], limit = Infinity) {
    const { x, y } = this;
    const rows = [];
    for (let i = 0; i < this.size && rows.length < limit; i++) {
      if (x[i] >= x0 && x[i] <= x1 && y[i] >= y0 && y[i] <= y1) rows.push(i);
    }
    return rows;
  }

  /** Return the smallest region with some rows. @param {number[]} rows @returns {Bounds} */
  boundsOf(rows) {
    /** @type {Bounds} */
    const bounds = [Infinity, Infinity, -Infinity, -Infinity];
    for (const row of rows) {
      bounds[0] = Math.min(bounds[0], this.x[row]);
      bounds[1] = Math.min(bounds[1], this.y[row]);
      bounds[2] = Math.max(bounds[2], this.x[row]);
      bounds[3] = Math.max(bounds[3], this.y[row]);
    }
    return bounds;
  }

  /**
   * Return the nearest row within a radius of a point, or -1. Rows of hidden categories do not count.
   * A comparison with 1,000,000 rows takes a few milliseconds.
   * @param {Point} point @param {number} radius
   */
  nearest([x, y], radius) {
    let [nearest, smallestDistance] = [-1, radius * radius];
    for (let row = 0; row < this.size; row++) {
      const distance = (this.x[row] - x) ** 2 + (this.y[row] - y) ** 2;
      if (distance <= smallestDistance && isShown(row)) [nearest, smallestDistance] = [row, distance];
    }
    return nearest;
  }
}

/** @param {Uint16Array} pairs @param {number} axis @param {number} low @param {number} high */
function coordinates(pairs, axis, low, high) {
  const step = (high - low) / 65535;
  return Float32Array.from({ length: pairs.length / 2 }, (_, i) => low + pairs[2 * i + axis] * step);
}

/**
 * Return the names of categories and their positions, the largest category first. A name is in the
 * densest part of its category, because the mean of two clusters lies between them.
 * @param {Colors} colors @param {Points} points
 */
export function labelPositions({ categories = [], values }, points) {
  if (categories.length > MAX_LABELS) return [];
  /** @type {number[][]} */
  const rows = categories.map(() => []);
  values.forEach((category, i) => rows[category]?.push(i));
  return rows
    .map((members, category) => ({ category, text: categories[category], members }))
    .filter(({ members }) => members.length > 0)
    .sort((a, b) => b.members.length - a.members.length)
    .map(({ category, text, members }) => ({ category, text, position: densestPosition(members, points) }));
}

/**
 * Return the mean position of the members in the window of 5 × 5 cells with the most members.
 * @param {number[]} members @param {Points} points @returns {Point}
 */
function densestPosition(members, points) {
  const [x0, y0, x1, y1] = scene.bounds;
  const side = LABEL_CELLS + 4;
  const cell = (/** @type {number} */ share) => 2 + Math.min(LABEL_CELLS - 1, Math.floor(share * LABEL_CELLS));
  const columns = members.map((i) => cell((points.x[i] - x0) / (x1 - x0 || 1)));
  const lines = members.map((i) => cell((points.y[i] - y0) / (y1 - y0 || 1)));
  const counts = new Uint32Array(side * side);
  members.forEach((_, k) => {
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) counts[(lines[k] + dy) * side + columns[k] + dx]++;
    }
  });
  const best = counts.reduce((top, value, cell) => (value > counts[top] ? cell : top), 0);
  const membersInWindow = members.filter((_, k) =>
    Math.abs(columns[k] - (best % side)) <= 2 && Math.abs(lines[k] - Math.floor(best / side)) <= 2);
  const mean = (/** @type {Float32Array} */ values) =>
    membersInWindow.reduce((sum, i) => sum + values[i], 0) / membersInWindow.length;
  return [mean(points.x), mean(points.y)];
}
