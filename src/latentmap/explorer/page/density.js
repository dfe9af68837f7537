/*
 * How much data lives at a spot, 0–1, from the small grid that comes with every scene. Outside the
 * grid there is none.
 */

class Density {
  #grid;

  /** @param {ArrayBuffer} bytes  one a cell, row-major from (x0, y0), 0–255 for 0–1 */
  constructor(bytes) {
    this.#grid = new Uint8Array(bytes);
  }

  /** @returns {number} of the nearest cell */
  at(x, y) {
    const { width, height, bounds } = scene.density;
    const i = Math.floor(((x - bounds[0]) / (bounds[2] - bounds[0])) * width);
    const j = Math.floor(((y - bounds[1]) / (bounds[3] - bounds[1])) * height);
    if (i < 0 || j < 0 || i >= width || j >= height) return 0;
    return this.#grid[j * width + i] / 255;
  }
}
