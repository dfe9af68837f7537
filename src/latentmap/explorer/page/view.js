/*
 * Which part of the plane the window shows. x grows to the right and y upwards, one scale for both,
 * so distances look alike in every direction.
 */

const FARTHEST = 0.4; // of the scale at which the whole map fits
const CLOSEST = 300;

class View {
  #bounds;
  #inset = { left: 0, right: 0, top: 0, bottom: 0 };
  #fitted = true;
  width = 1;
  height = 1;
  x = 0; // of the plane, in the middle of the window
  y = 0;
  scale = 1; // CSS pixels a unit of the plane
  onchange = () => {};

  /** @param {number[]} bounds  [x0, y0, x1, y1] of the codes */
  constructor(bounds) {
    this.#bounds = bounds;
  }

  /**
   * Take the window's size and what lies over its edges, in CSS pixels.
   * The whole map stays the whole map; otherwise the middle stays where it is.
   */
  resize(width, height, inset) {
    Object.assign(this, { width, height });
    this.#inset = inset;
    if (this.#fitted) this.fit();
    else this.onchange();
  }

  /** Where the whole map lies: {x, y, scale}. */
  whole() {
    const [x0, y0, x1, y1] = this.#bounds;
    const { left, right, top, bottom } = this.#inset;
    const scale = Math.min(
      (this.width - left - right) / (x1 - x0 || 1),
      (this.height - top - bottom) / (y1 - y0 || 1),
    );
    return {
      x: (x0 + x1) / 2 - (left - right) / 2 / scale,
      y: (y0 + y1) / 2 + (top - bottom) / 2 / scale,
      scale,
    };
  }

  fit() {
    this.move(this.whole());
    this.#fitted = true;
  }

  /** How much closer than the whole map. */
  get zoom() {
    return this.scale / this.whole().scale;
  }

  move({ x = this.x, y = this.y, scale = this.scale }) {
    const { scale: one } = this.whole();
    this.scale = Math.min(one * CLOSEST, Math.max(one * FARTHEST, scale));
    const [x0, y0, x1, y1] = this.#bounds;
    this.x = Math.min(x1, Math.max(x0, x));
    this.y = Math.min(y1, Math.max(y0, y));
    this.#fitted = false;
    this.onchange();
  }

  pan(right, down) {
    this.move({ x: this.x - right / this.scale, y: this.y + down / this.scale });
  }

  /** Change the scale so that the spot under a pixel stays under it. */
  zoomAt(left, top, factor) {
    const [x, y] = this.toPlane(left, top);
    const before = this.scale;
    this.move({ scale: this.scale * factor });
    const share = 1 - before / this.scale;
    this.move({ x: this.x + (x - this.x) * share, y: this.y + (y - this.y) * share });
  }

  toScreen(x, y) {
    return [
      this.width / 2 + (x - this.x) * this.scale,
      this.height / 2 - (y - this.y) * this.scale,
    ];
  }

  toPlane(left, top) {
    return [
      this.x + (left - this.width / 2) / this.scale,
      this.y - (top - this.height / 2) / this.scale,
    ];
  }

  /** Whether a spot is in the window, `margin` pixels from its edges. */
  holds(x, y, margin) {
    const [left, top] = this.toScreen(x, y);
    return left > margin && top > margin && left < this.width - margin && top < this.height - margin;
  }
}
