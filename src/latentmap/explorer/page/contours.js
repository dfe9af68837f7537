/*
 * Density contours: lines that enclose a share of the shown rows where they are densest.
 */

import { scene } from "./scene.js";
import { isShown } from "./state.js";

/** @import { Points } from "./points.js" */

const CELLS = 128; // Number of cells of the density grid per side.
const EDGE = 8; // Number of empty cells beyond each edge, so that all lines are closed.
const SIDE = CELLS + 2 * EDGE;
const SHARES = [0.95, 0.8, 0.6, 0.4, 0.2]; // Shares of the rows that the lines enclose.

/**
 * Return a path in map coordinates for each share of the shown rows, the outermost line first.
 * @param {Points} points
 */
export function contourPaths(points) {
  const rows = [...points.x.keys()].filter(isShown);
  if (rows.length === 0) return [];
  const [x0, y0, x1, y1] = scene.bounds;
  const cellOf = (/** @type {number} */ i) => {
    const column = EDGE + Math.min(CELLS - 1, Math.floor(((points.x[i] - x0) / (x1 - x0 || 1)) * CELLS));
    const line = EDGE + Math.min(CELLS - 1, Math.floor(((points.y[i] - y0) / (y1 - y0 || 1)) * CELLS));
    return line * SIDE + column;
  };
  const counts = new Float32Array(SIDE * SIDE);
  const cells = rows.map(cellOf);
  for (const cell of cells) counts[cell]++;
  // The width of the kernel decreases with the number of rows, as in Scott's rule.
  const density = blurred(counts, Math.max(1, Math.round(14 * rows.length ** (-1 / 6))));
  const atRows = Float32Array.from(cells, (cell) => density[cell]).sort();
  const levels = SHARES.map((share) => atRows[Math.floor((1 - share) * (atRows.length - 1))]);
  const toX = (/** @type {number} */ column) => x0 + ((column - EDGE + 0.5) / CELLS) * (x1 - x0);
  const toY = (/** @type {number} */ line) => y0 + ((line - EDGE + 0.5) / CELLS) * (y1 - y0);
  return [...new Set(levels)].map((level) => contourPath(density, level, toX, toY));
}

/**
 * Return values smoothed by three moving averages along both axes, which approximate a Gaussian.
 * @param {Float32Array} values @param {number} radius  of an average, in cells
 */
function blurred(values, radius) {
  let result = values;
  for (let pass = 0; pass < 3; pass++) {
    for (const step of [1, SIDE]) result = movingAverage(result, step, Math.min(radius, EDGE / 2));
  }
  return result;
}

/** @param {Float32Array} values @param {number} step  between neighbours @param {number} radius */
function movingAverage(values, step, radius) {
  const result = new Float32Array(values.length);
  for (let line = 0; line < SIDE; line++) {
    const start = line * (step === 1 ? SIDE : 1);
    let sum = 0;
    for (let k = -radius; k < SIDE; k++) {
      if (k + radius < SIDE) sum += values[start + (k + radius) * step];
      if (k - radius - 1 >= 0) sum -= values[start + (k - radius - 1) * step];
      if (k >= 0) result[start + k * step] = sum / (2 * radius + 1);
    }
  }
  return result;
}

/**
 * Return the line along which the density has a level, by marching squares (W. E. Lorensen and
 * H. E. Cline, "Marching cubes", 1987, in two dimensions).
 * @param {Float32Array} density @param {number} level
 * @param {(column: number) => number} toX @param {(line: number) => number} toY
 */
function contourPath(density, level, toX, toY) {
  const path = new Path2D();
  for (let line = 0; line < SIDE - 1; line++) {
    for (let column = 0; column < SIDE - 1; column++) {
      const first = line * SIDE + column;
      // The corners of the cell, counterclockwise, with their density above the level.
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([dx, dy]) =>
        ({ dx, dy, excess: density[first + dx + dy * SIDE] - level }));
      const crossings = corners.flatMap((a, k) => {
        const b = corners[(k + 1) % 4];
        if (a.excess > 0 === b.excess > 0) return [];
        const fraction = a.excess / (a.excess - b.excess);
        return [[column + a.dx + (b.dx - a.dx) * fraction, line + a.dy + (b.dy - a.dy) * fraction]];
      });
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        path.moveTo(toX(crossings[k][0]), toY(crossings[k][1]));
        path.lineTo(toX(crossings[k + 1][0]), toY(crossings[k + 1][1]));
      }
    }
  }
  return path;
}
