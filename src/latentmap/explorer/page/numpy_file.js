/*
 * Rows of arrays in .npy files; see `numpy.lib.format` for the format.
 */

const MAGIC = "\u0093NUMPY";
/** @type {Record<string, { BYTES_PER_ELEMENT: number, new (buffer: ArrayBuffer): Iterable<number> }>} */
const TYPES = {
  f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array,
};

/**
 * Return the first rows of an array, each flattened, and the number of rows of the whole array.
 * @param {string} name @param {ArrayBuffer} buffer @param {number} width  numbers of a row
 * @param {number} limit  maximum number of rows @returns {{ rows: Float32Array[], total: number }}
 */
export function readNumpyRows(name, buffer, width, limit) {
  const { type, shape, start } = readHeader(name, buffer);
  const [total, ...rowShape] = shape;
  if (rowShape.length === 0 || rowShape.reduce((product, length) => product * length) !== width) {
    throw new Error(`${name}: expected rows of ${width} numbers, found an array of shape (${shape.join(", ")}).`);
  }
  const count = Math.min(total, limit);
  const end = start + count * width * type.BYTES_PER_ELEMENT;
  if (end > buffer.byteLength) throw new Error(`${name}: expected ${total} rows, found the end of the file.`);
  const numbers = Float32Array.from(new type(buffer.slice(start, end)));
  return { rows: Array.from({ length: count }, (_, i) => numbers.subarray(i * width, (i + 1) * width)), total };
}

/**
 * Return the type and the shape of the array, and the position of its first number.
 * @param {string} name @param {ArrayBuffer} buffer
 */
function readHeader(name, buffer) {
  const bytes = new Uint8Array(buffer);
  const readText = (/** @type {number} */ from, /** @type {number} */ to) => String.fromCharCode(...bytes.subarray(from, to));
  // Version 1 has the length of the header in two bytes; longer headers are those of other types.
  const start = readText(0, 6) === MAGIC && bytes[6] === 1 ? 10 + bytes[8] + 256 * bytes[9] : 0;
  const header = readText(10, start);
  const type = TYPES[/'descr': '[<|]([fiu]\d)'/.exec(header)?.[1] ?? ""];
  const shape = (/'shape': \(([\d, ]+)\)/.exec(header)?.[1] ?? "").split(",").filter((length) => length.trim()).map(Number);
  if (!type || shape.length === 0 || header.includes("'fortran_order': True")) {
    throw new Error(`${name}: expected an array of numbers in C order, found another file.`);
  }
  return { type, shape, start };
}
