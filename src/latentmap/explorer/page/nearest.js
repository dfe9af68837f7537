/*
 * The point under the cursor, among 100,000, at every move of the mouse: points are sorted once
 * into the cells of a grid (a counting sort), and only the cells around the cursor are looked at.
 */

const CELLS = 256; // a side

class Nearest {
  #cloud;
  #starts;
  #sorted;

  /** @param {Cloud} cloud */
  constructor(cloud) {
    this.#cloud = cloud;
    const cells = Uint32Array.from({ length: cloud.size }, (_, i) =>
      this.#across(cloud.x[i]) + CELLS * this.#up(cloud.y[i]));
    this.#starts = new Uint32Array(CELLS * CELLS + 1);
    for (const cell of cells) this.#starts[cell + 1]++;
    for (let cell = 0; cell < CELLS * CELLS; cell++) this.#starts[cell + 1] += this.#starts[cell];
    const next = this.#starts.slice();
    this.#sorted = new Uint32Array(cloud.size);
    cells.forEach((cell, i) => {
      this.#sorted[next[cell]++] = i;
    });
  }

  #across(x) {
    return cellIndex(x, scene.bounds[0], scene.bounds[2]);
  }

  #up(y) {
    return cellIndex(y, scene.bounds[1], scene.bounds[3]);
  }

  /** The shown point nearest to a spot and within `radius` of it, or -1. */
  within(x, y, radius) {
    let [best, nearest] = [-1, radius * radius];
    for (let up = this.#up(y - radius); up <= this.#up(y + radius); up++) {
      const first = this.#starts[this.#across(x - radius) + CELLS * up];
      const end = this.#starts[this.#across(x + radius) + CELLS * up + 1];
      for (let k = first; k < end; k++) {
        const i = this.#sorted[k];
        const distance = (this.#cloud.x[i] - x) ** 2 + (this.#cloud.y[i] - y) ** 2;
        if (distance > nearest || !isShown(i)) continue;
        [best, nearest] = [i, distance];
      }
    }
    return best;
  }
}

const cellIndex = (value, low, high) =>
  Math.min(CELLS - 1, Math.max(0, Math.floor(((value - low) / (high - low || 1)) * CELLS)));
