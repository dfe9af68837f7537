/*
 * The encoder of the model: the graph of its network, evaluated in double precision. Each operation is
 * that of the same name in `latentmap.inference.evaluator`, for one row of flat numbers.
 */

import { dotProduct, matrixProduct, numberAt, readArray, squaredDistance, sum, weightedMean } from "./arrays.js";
import { placeByStoredRows } from "./placement.js";

/** @import { ArrayReference, EncoderDescription, Numbers, Settings } from "./types.js" */

const NORMALIZATION_EPSILON = 1e-3; // Default of `keras.layers.BatchNormalization`.
const [SELU_ALPHA, SELU_SCALE] = [1.6732632423543772, 1.0507009873554805];

const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x));
const softplus = (/** @type {number} */ x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** @type {Record<string, (x: number) => number>} */
const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x) => (x > 0 ? x : 0.2 * x),
  silu: (x) => x * sigmoid(x),
  swish: (x) => x * sigmoid(x),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  selu: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  sigmoid,
  tanh: Math.tanh,
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  mish: (x) => x * Math.tanh(softplus(x)),
  arcsinh: Math.asinh,
};

/** @type {Record<string, (inputs: Numbers[], weights: Numbers[], settings: Settings, inputShape: number[]) => Numbers>} */
const OPERATIONS = {
  scale: ([x], [offset, scale]) => x.map((value, i) => (value - numberAt(offset, i)) / numberAt(scale, i)),
  unscale: ([x], [offset, scale]) => x.map((value, i) => value * numberAt(scale, i) + numberAt(offset, i)),
  dense: ([x], [kernel, bias], { activation }) => activate(matrixProduct(x, kernel, bias), activation),
  convolution: ([x], [kernel, bias], { activation }, shape) => activate(convolve(x, kernel, bias, shape), activation),
  normalize: ([x], [gamma, beta, mean, variance]) =>
    x.map((value, i) => ((value - mean[i]) * gamma[i]) / Math.sqrt(variance[i] + NORMALIZATION_EPSILON) + beta[i]),
  activation: ([x], _, { activation }) => activate(x, activation),
  dropout: ([x]) => x,
  reshape: ([x]) => x,
  clip: ([x], _, { low = 0, high = 1 }) => x.map((value) => Math.min(high, Math.max(low, value))),
  columns: ([x], _, { start, stop }) => x.slice(start, stop),
  concatenate: ([x, y]) => Float64Array.of(...x, ...y),
  add: ([x, y]) => x.map((value, i) => value + y[i]),
  replace_missing: ([x]) => x.map((value) => (Number.isNaN(value) ? 0 : value)),
  is_missing: ([x], _, { indices = [] }) => Float64Array.from(indices, (i) => (Number.isNaN(x[i]) ? 1 : 0)),
  around_mode: ([logits], [centers, anchors, [radius]]) => meanAroundMode(logits, centers, anchors, radius),
};

/** @param {Numbers} x @param {string} [name] */
const activate = (x, name = "linear") => x.map(ACTIVATIONS[name]);

/**
 * Convolve an image with a 3 × 3 kernel and stride 2, padded as in Keras.
 * @param {Numbers} image @param {Numbers} kernel @param {Numbers} bias @param {number[]} shape  of the image
 */
function convolve(image, kernel, bias, [height, width, channels]) {
  const [lines, columns, filters] = [Math.ceil(height / 2), Math.ceil(width / 2), bias.length];
  const output = new Float64Array(lines * columns * filters);
  for (let pixel = 0; pixel < lines * columns; pixel++) {
    const sums = output.subarray(pixel * filters, (pixel + 1) * filters);
    sums.set(bias);
    for (let k = 0; k < 9; k++) {
      // A side of odd length is padded at both ends, and one of even length at its end.
      const y = 2 * Math.floor(pixel / columns) + Math.floor(k / 3) - (height % 2);
      const x = 2 * (pixel % columns) + (k % 3) - (width % 2);
      if (y < 0 || x < 0 || y >= height || x >= width) continue;
      for (let c = 0; c < channels; c++) {
        const value = image[(y * width + x) * channels + c];
        const start = (k * channels + c) * filters;
        for (let f = 0; f < filters; f++) sums[f] += value * kernel[start + f];
      }
    }
  }
  return output;
}

/**
 * Return the mean position of the landmarks around the mode of their distribution, and the mass around
 * it; see `maps.landmark_layers.MeanAroundMode`.
 * @param {Numbers} logits @param {Numbers} centers @param {Numbers} anchors @param {number} radius
 */
function meanAroundMode(logits, centers, anchors, radius) {
  const largest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const total = sum(exponentials);
  const shares = exponentials.map((value) => value / total);
  const windows = anchorWindows.get(anchors) ?? windowsAround(anchors, centers, radius, logits.length);
  anchorWindows.set(anchors, windows);
  const masses = windows.map((window) => dotProduct(window, shares));
  const best = windows[masses.indexOf(Math.max(...masses))];
  const [window] = windowsAround(weightedMean(best.map((value, i) => value * shares[i]), centers), centers, radius, logits.length);
  const weights = window.map((value, i) => value * shares[i]);
  return Float64Array.of(...weightedMean(weights, centers), sum(weights));
}

/** Windows around the anchors of an encoder, which all rows share. @type {WeakMap<Numbers, Float64Array[]>} */
const anchorWindows = new WeakMap();

/**
 * Return for each position a weight of each landmark, smaller the farther the landmark is.
 * @param {Numbers} positions @param {Numbers} centers @param {number} radius @param {number} count  of landmarks
 */
function windowsAround(positions, centers, radius, count) {
  const dimensions = centers.length / count;
  return Array.from({ length: positions.length / dimensions }, (_, k) => {
    const position = positions.subarray(k * dimensions, (k + 1) * dimensions);
    return Float64Array.from({ length: count }, (_, i) => Math.exp(-squaredDistance(position, centers, i) / (2 * radius ** 2)));
  });
}

/**
 * Return the function that computes the code of a row, like `transform`.
 * @param {EncoderDescription} description @param {ArrayBuffer} buffer  with the arrays of the description
 * @returns {(row: Float32Array) => Numbers}
 */
export function createEncoder({ nodes, placement }, buffer) {
  const read = (/** @type {ArrayReference} */ reference) => readArray(reference, buffer);
  const [, ...steps] = nodes.map(({ operation, inputs, input_shape, settings, weights }) =>
    ({ inputs, input_shape, settings, compute: OPERATIONS[operation], weights: weights.map(read) }));

  /** @param {Float32Array} row */
  function encode(row) {
    /** @type {Numbers[]} */
    const results = [Float64Array.from(row)];
    for (const { inputs, input_shape, settings, compute, weights } of steps) {
      results.push(compute(inputs.map((i) => results[i]), weights, settings, input_shape));
    }
    return Float32Array.from(results[results.length - 1]);
  }

  if (!placement) return encode;
  const place = placeByStoredRows(placement, read);
  return (row) => place(row, encode(row));
}
