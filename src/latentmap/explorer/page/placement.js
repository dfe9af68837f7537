/*
 * Placement of rows by their nearest stored rows. It computes what `maps.placement.Placement` computes,
 * with the same cells of the search, because a position depends on which stored rows are the nearest.
 */

import {
  dotProduct, matrixProduct, nearestList, numberAt, squaredDistance, sum, toHalf, weightedMean,
} from "./arrays.js";
import { createGroups } from "./map_groups.js";

/** @import { ArrayReference, Numbers, PlacementDescription } from "./types.js" */

/**
 * Return the function that places a row by its numbers and by the code that the network gives it.
 * @param {PlacementDescription} description @param {(reference: ArrayReference) => Numbers} read
 * @returns {(row: Float32Array, encoded: Numbers) => Numbers}
 */
export function placeByStoredRows(description, read) {
  const [offset, scale, rowMean, components, points, positions, centers, starts] = [
    description.offset, description.scale, description.row_mean, description.components,
    description.points, description.positions, description.centers, description.starts,
  ].map(read);
  const { window, encoder_weight, point_scale, constants } = description;
  const narrowPower = 2 ** constants.NARROW_SQUARINGS;
  const count = starts[starts.length - 1];
  const width = points.length / count;
  const dimensions = positions.length / count;
  const directions = createDirections(description, read);
  const searchPoints = directions ? allDirections(points, width, directions) : points;
  const groups = description.groups.map(({ size, candidates }) =>
    createGroups(searchPoints, positions, count, read(candidates), size),
  );

  /** Return the point of a row, with the precision of stored points. @param {Float32Array} row */
  function pointOf(row) {
    const centred = Float64Array.from(row, (value, i) => {
      const scaled = (value - numberAt(offset, i)) / numberAt(scale, i);
      return (Number.isNaN(scaled) ? 0 : scaled) - rowMean[i]; // A missing number counts as the mean.
    });
    return Float64Array.from({ length: width }, (_, k) => {
      const coordinate = dotProduct(centred, components.subarray(k * row.length));
      return toHalf(Math.fround(Math.fround(coordinate) / Math.fround(point_scale)));
    });
  }

  /** Return the numbers of the searched cells, nearest first. @param {Numbers} point */
  function nearestCells(point) {
    const distances = Float64Array.from({ length: starts.length - 1 }, (_, cell) => squaredDistance(point, centers, cell));
    const cells = [...distances.keys()].sort((a, b) => distances[a] - distances[b]).slice(0, constants.MAX_CELLS);
    return cells.filter((cell, k) => k < constants.MIN_CELLS || distances[cell] <= constants.MAX_CELL_RATIO * distances[cells[0]]);
  }

  /**
   * Return the k nearest stored rows of the searched cells, nearest first, and their squared distances.
   * @param {Numbers} point @param {number} k
   */
  function nearestRows(point, k) {
    const { rows, squaredDistances, add } = nearestList(k);
    for (const cell of nearestCells(point)) {
      for (let row = starts[cell]; row < starts[cell + 1]; row++) {
        add(row, squaredDistance(point, searchPoints, row));
      }
    }
    // If the cells hold fewer than k rows, the nearest row stands for the others.
    return {
      rows: rows.map((row) => (row < 0 ? rows[0] : row)),
      squaredDistances: squaredDistances.map((distance, i) => (rows[i] < 0 ? squaredDistances[0] : distance)),
    };
  }

  /** Return the stored row that is equal to a point, or -1. @param {Numbers} point @param {Numbers} searchPoint */
  function equalRow(point, searchPoint) {
    const [cell] = nearestCells(searchPoint);
    for (let row = starts[cell]; row < starts[cell + 1]; row++) {
      if (squaredDistance(point, points, row) === 0) return row;
    }
    return -1;
  }

  const positionOf = (/** @type {number} */ row) => positions.subarray(row * dimensions, (row + 1) * dimensions);

  /** Return the vote between two positions. @param {Numbers} a @param {Numbers} b @param {number} width standard deviation in windows */
  const voteOf = (a, b, width) => Math.exp(-squaredDistance(a, b, 0) / (2 * (width * window) ** 2));

  /**
   * Subtract penalties from the votes of positions; see `Placement._penalize`.
   * @param {number[]} votes @param {boolean[]} isNear @param {Numbers} point @param {Int32Array} rows
   */
  function penalize(votes, isNear, point, rows) {
    let result = votes.map((value, i) => (isNear[i] ? value : -Infinity));
    groups.forEach((groupDistance, group) => {
      const distances = Array.from(rows, (row, i) => (isNear[i] ? groupDistance(point, row) : Infinity));
      const least = Math.max(Math.min(...distances), constants.TINY);
      const weight = description.penalty * constants.GROUP_WEIGHTS[group];
      result = result.map((value, i) => value - weight * Math.min(distances[i] / least - 1, 1));
    });
    return result;
  }

  /**
   * Return the weights of neighbours with given squared distances; see `maps.placement.proximity`.
   * @param {Float64Array} squaredDistances @param {number} decay
   */
  function proximity(squaredDistances, decay) {
    const largest = Math.max(Math.sqrt(squaredDistances[squaredDistances.length - 1]), constants.TINY) ** 2;
    const weights = squaredDistances.map((distance) => Math.exp((-decay * distance) / largest));
    const total = sum(weights);
    return weights.map((weight) => weight / total);
  }

  /**
   * Return the mode of the votes of the nearest rows; see `Placement.vote`.
   * @param {Numbers} point @param {Int32Array} rows @param {Float64Array} squaredDistances @param {Numbers} encoded
   */
  function vote(point, rows, squaredDistances, encoded) {
    const candidates = Array.from(rows, positionOf);
    const nearestDistances = squaredDistances.slice(0, constants.CLUSTER_NEIGHBORS);
    const wideWeights = proximity(nearestDistances, constants.WIDE_DECAY);
    const narrowWeights = proximity(squaredDistances, constants.NARROW_DECAY);
    const wide = candidates.map((a) => Float64Array.from(candidates, (b) => voteOf(a, b, constants.WIDE_WINDOW)));
    const narrow = wide.map((votes) => votes.map((value) => value ** narrowPower));
    const wideSums = wide.map((votes) => dotProduct(wideWeights, votes));
    let votes = narrow.map((values, i) => wideSums[i] + dotProduct(narrowWeights, values));
    let best = votes.indexOf(Math.max(...votes));
    if (wideSums[best] < constants.MIN_AGREEMENT) {
      const weight = encoder_weight / wideWeights.length;
      votes = votes.map((value, i) => value + weight * voteOf(candidates[i], encoded, constants.ENCODER_WINDOW));
      best = votes.indexOf(Math.max(...votes));
    }
    if (description.penalty) {
      const isNear = Array.from(narrow[best], (value) => value > constants.MIN_CLUSTER_VOTE ** narrowPower);
      votes = penalize(votes, isNear, point, rows);
      best = votes.indexOf(Math.max(...votes));
    }
    const weights = narrow[best].map((value, i) => value ** 2 * narrowWeights[i]);
    return weightedMean(weights, Float64Array.from(candidates.flatMap((position) => [...position])));
  }

  return (row, encoded) => {
    const point = pointOf(row);
    const searchPoint = directions ? directions(point) : point;
    const equal = equalRow(point, searchPoint);
    if (equal >= 0) return positionOf(equal);
    if (description.n_neighbors === 0) return encoded;
    const { rows, squaredDistances } = nearestRows(searchPoint, description.n_neighbors);
    return Float32Array.from(vote(searchPoint, rows, squaredDistances, encoded));
  };
}

/**
 * Return the function that converts points to directions, null if the metric is not the cosine or the
 * correlation; see `maps.directions.DirectionTransform`.
 * @param {PlacementDescription} description @param {(reference: ArrayReference) => Numbers} read
 */
function createDirections({ direction_matrix, direction_offset, point_scale, constants }, read) {
  if (!direction_matrix || !direction_offset) return null;
  const [matrix, offset] = [read(direction_matrix), read(direction_offset)];
  return (/** @type {Numbers} */ point) => {
    const coordinates = Float64Array.from(point, (value) => Math.fround(value * Math.fround(point_scale)));
    const vector = matrixProduct(coordinates, matrix, offset);
    const length = Math.hypot(...vector);
    const hasDirection = length > Math.max(constants.ROUNDING * Math.hypot(...coordinates), constants.MIN_LENGTH);
    return Float32Array.from(vector, (value) => (hasDirection ? value / length : 0));
  };
}

/** @param {Numbers} points @param {number} width @param {(point: Numbers) => Numbers} directions */
function allDirections(points, width, directions) {
  const count = points.length / width;
  const directionWidth = directions(points.subarray(0, width)).length;
  const result = new Float32Array(count * directionWidth);
  for (let i = 0; i < count; i++) {
    result.set(directions(points.subarray(i * width, (i + 1) * width)), i * directionWidth);
  }
  return result;
}
