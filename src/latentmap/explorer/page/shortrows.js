/*
 * Table rows written with 16 bits a value: 0–65,534 over the range of the column, 65,535 where the
 * value is missing.
 */

const MISSING = 65535;

/** The number that a code stands for in a range. */
const unshort = (code, low, high) => (code === MISSING ? NaN : low + (code / (MISSING - 1)) * (high - low));

class ShortRows {
  #codes;
  #low;
  #high;

  /**
   * @param {ArrayBuffer} bytes  uint16 (rows, columns)
   * @param {{low: number[], high: number[]}} range  of each column
   */
  constructor(bytes, { low, high }) {
    this.#codes = new Uint16Array(bytes);
    this.#low = low;
    this.#high = high;
  }

  /** @returns {Float32Array} */
  row(i) {
    const columns = this.#low.length;
    return Float32Array.from(this.#low, (low, j) =>
      unshort(this.#codes[i * columns + j], low, this.#high[j]));
  }

  /** The codes of one column, in the order of the rows. @returns {Uint16Array} */
  column(j) {
    const columns = this.#low.length;
    const codes = new Uint16Array(this.#codes.length / columns);
    for (let i = 0; i < codes.length; i++) codes[i] = this.#codes[i * columns + j];
    return codes;
  }
}
