/*
 * Arrays of numbers: sums, and arrays in a block of bytes that Python wrote.
 */

/** @import { ArrayReference, Numbers } from "./types.js" */

const MAX_HALF = 6e4;

/** Return a number of an array, or its only number. @param {Numbers} array @param {number} i */
export const numberAt = (array, i) => array[array.length === 1 ? 0 : i];

/** Return the sum of numbers. @param {Numbers} numbers */
export function sum(numbers) {
  let total = 0;
  for (let i = 0; i < numbers.length; i++) total += numbers[i];
  return total;
}

/** Return the sum of the products of two arrays. @param {Numbers} a @param {Numbers} b */
export function dotProduct(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/**
 * Return the squared distance between a position and the i-th of several positions.
 * @param {Numbers} position @param {Numbers} positions  one after another @param {number} i
 */
export function squaredDistance(position, positions, i) {
  let distance = 0;
  for (let c = 0, start = i * position.length; c < position.length; c++) {
    distance += (position[c] - positions[start + c]) ** 2;
  }
  return distance;
}

/**
 * Return x · kernel + offset.
 * @param {Numbers} x  of length n @param {Numbers} kernel  n × m, row-major @param {Numbers} offset  of length m
 */
export function matrixProduct(x, kernel, offset) {
  const product = Float64Array.from(offset);
  const width = product.length;
  for (let i = 0, start = 0; i < x.length; i++, start += width) {
    const value = x[i];
    if (value === 0) continue;
    for (let j = 0; j < width; j++) product[j] += value * kernel[start + j];
  }
  return product;
}

/**
 * Return the mean of positions.
 * @param {Numbers} weights @param {Numbers} positions  one after another
 */
export function weightedMean(weights, positions) {
  const mean = new Float64Array(positions.length / weights.length);
  for (let i = 0; i < positions.length; i++) mean[i % mean.length] += weights[Math.floor(i / mean.length)] * positions[i];
  const total = sum(weights) + 1e-12;
  return mean.map((value) => value / total);
}

/**
 * Return an array of the buffer; numbers of 16 bits are converted to 32 bits.
 * @param {ArrayReference} reference @param {ArrayBuffer} buffer @returns {Numbers}
 */
export function readArray({ type, start, length }, buffer) {
  if (type === "float16") return fromHalves(new Uint16Array(buffer, start, length));
  const types = { float32: Float32Array, float64: Float64Array, uint32: Uint32Array };
  return new types[type](buffer, start, length);
}

/** Return the numbers that 16 bits each represent. @param {Uint16Array} halves */
function fromHalves(halves) {
  const values = Float32Array.from({ length: 2 ** 16 }, (_, bits) => fromHalf(bits));
  const numbers = new Float32Array(halves.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = values[halves[i]];
  return numbers;
}

/** Return the number that 16 bits represent. @param {number} bits */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Round a number to 16 bits, clipped to their range. @param {number} x */
export function toHalf(x) {
  const clipped = Math.min(MAX_HALF, Math.max(-MAX_HALF, x));
  const step = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(clipped)))) - 10);
  const quotient = clipped / step;
  const rounded = Math.round(quotient);
  // Math.round rounds halves up, and 16-bit numbers are rounded to even fractions.
  return step * (rounded - quotient === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded);
}

/** Return a list that keeps the k nearest of the rows added to it, nearest first. @param {number} k */
export function nearestList(k) {
  const rows = new Int32Array(k).fill(-1);
  const squaredDistances = new Float64Array(k).fill(Infinity);
  /** Add a row with its squared distance. @param {number} row @param {number} squaredDistance */
  function add(row, squaredDistance) {
    if (squaredDistance >= squaredDistances[k - 1]) return;
    let rank = k - 1;
    for (; rank > 0 && squaredDistances[rank - 1] > squaredDistance; rank--) {
      squaredDistances[rank] = squaredDistances[rank - 1];
      rows[rank] = rows[rank - 1];
    }
    [squaredDistances[rank], rows[rank]] = [squaredDistance, row];
  }
  return { rows, squaredDistances, add };
}
