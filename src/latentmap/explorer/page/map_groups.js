/*
 * Groups of stored rows that are near each other on the map, as in `maps.map_groups`. A group is computed when it is
 * first needed.
 */

import { dotProduct, nearestList, squaredDistance, sum, toHalf } from "./arrays.js";

/** @import { Numbers } from "./types.js" */

/**
 * Return the function that computes the mean squared distance between a point and the group of a stored row.
 * @param {Numbers} points @param {Numbers} positions @param {number} count number of stored rows
 * @param {Numbers} candidates rows that can be members of groups @param {number} size number of members
 * @returns {(point: Numbers, row: number) => number}
 */
export function createGroups(points, positions, count, candidates, size) {
  const [width, dimensions] = [points.length / count, positions.length / count];
  /** @type {Map<number, { mean: Float64Array, variance: number }>} */
  const groups = new Map();

  /** Return the members of the group of a row, and their weights. @param {number} row */
  function membersOf(row) {
    const position = positions.subarray(row * dimensions, (row + 1) * dimensions);
    const nearest = nearestList(Math.min(size + 1, candidates.length));
    for (const candidate of candidates) nearest.add(candidate, squaredDistance(position, positions, candidate));
    const { squaredDistances } = nearest;
    const largest = squaredDistances[squaredDistances.length - 1];
    const weights = squaredDistances.map((distance) => largest - distance);
    const total = sum(weights);
    if (total === 0) return { rows: [row], weights: [1] };
    return { rows: nearest.rows, weights: weights.map((weight) => weight / total) };
  }

  /** Return the mean of the group of a row and its total variance. @param {number} row */
  function groupOf(row) {
    const { rows, weights } = membersOf(row);
    const mean = new Float64Array(width);
    let meanSquaredNorm = 0;
    rows.forEach((groupRow, i) => {
      const point = points.subarray(groupRow * width, (groupRow + 1) * width);
      meanSquaredNorm += weights[i] * dotProduct(point, point);
      for (let j = 0; j < width; j++) mean[j] += weights[i] * point[j];
    });
    return { mean: mean.map(toHalf), variance: Math.max(meanSquaredNorm - dotProduct(mean, mean), 0) };
  }

  return (point, row) => {
    const group = groups.get(row) ?? groupOf(row);
    groups.set(row, group);
    return squaredDistance(point, group.mean, 0) + group.variance;
  };
}
