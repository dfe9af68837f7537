/*
 * The visible part of the map and its animation. x increases to the right and y upwards, with the
 * same scale.
 */

import { prefersReducedMotion } from "./dom.js";

/** @import { Bounds, Point } from "./types.js" */

/** @typedef {{ x: number, y: number, scale: number }} Viewport  the centre, and CSS pixels per unit */

const MIN_ZOOM = 0.4; // Minimum scale, relative to the scale that shows the whole map.
const MAX_ZOOM = 300;
const ANIMATION_MS = 180;

export class View {
  #bounds;
  #inset = { left: 0, right: 0, top: 0, bottom: 0 };
  #isFitted = true;
  #frame = 0;
  width = 1; // Size of the window in CSS pixels.
  height = 1;
  x = 0; // Map coordinates of the centre of the window.
  y = 0;
  scale = 1;
  /** @type {(() => void)[]} */
  #listeners = [];

  /** @param {Bounds} bounds  of the points */
  constructor(bounds) {
    this.#bounds = bounds;
  }

  /** Call a listener after each change of the view. @param {() => void} listener */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  #notify() {
    for (const listener of this.#listeners) listener();
  }

  /**
   * Set the size of the window, and the widths of its edges that other elements cover, in CSS pixels.
   * If the window showed the whole map before, it still does; otherwise the centre stays.
   * @param {number} width @param {number} height
   * @param {{ left: number, right: number, top: number, bottom: number }} inset
   */
  resize(width, height, inset) {
    Object.assign(this, { width, height });
    this.#inset = inset;
    if (this.#isFitted) this.fit();
    else this.#notify();
  }

  /** Return the viewport that shows the whole map. @returns {Viewport} */
  fullViewport() {
    return this.#containing(this.#bounds);
  }

  /** Return the viewport that shows a region with a margin. @param {Bounds} bounds @returns {Viewport} */
  viewportAround([x0, y0, x1, y1]) {
    const [dx, dy] = [(x1 - x0) / 10, (y1 - y0) / 10];
    const { x, y, scale } = this.#containing([x0 - dx, y0 - dy, x1 + dx, y1 + dy]);
    return { x, y, scale: this.#limitScale(scale) };
  }

  /** Return the viewport that shows a region as large as possible. @param {Bounds} bounds @returns {Viewport} */
  #containing([x0, y0, x1, y1]) {
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

  /** Show the whole map. */
  fit() {
    this.move(this.fullViewport());
    this.#isFitted = true;
  }

  /** Whether the whole map is shown, also after the window changes its size. */
  get isWhole() {
    return this.#isFitted;
  }

  /** Return the visible region. @returns {Bounds} */
  region() {
    const [[x0, y1], [x1, y0]] = [this.toMap(0, 0), this.toMap(this.width, this.height)];
    return [x0, y0, x1, y1];
  }

  /** The scale relative to that of the whole map. */
  get zoom() {
    return this.scale / this.fullViewport().scale;
  }

  /** @param {Partial<Viewport>} viewport */
  move({ x = this.x, y = this.y, scale = this.scale }) {
    this.scale = this.#limitScale(scale);
    const [x0, y0, x1, y1] = this.#bounds;
    this.x = Math.min(x1, Math.max(x0, x));
    this.y = Math.min(y1, Math.max(y0, y));
    this.#isFitted = false;
    this.#notify();
  }

  /** Move the content of the window by CSS pixels. @param {number} right @param {number} down */
  pan(right, down) {
    this.move({ x: this.x - right / this.scale, y: this.y + down / this.scale });
  }

  /**
   * Change the scale and keep the point at a pixel.
   * @param {number} left @param {number} top @param {number} factor
   */
  zoomAt(left, top, factor) {
    this.move(this.#zoomed(left, top, factor));
  }

  /**
   * Change the scale in small steps and keep the point at a pixel.
   * @param {number} left @param {number} top @param {number} factor
   */
  animateZoom(left, top, factor) {
    this.animateTo(this.#zoomed(left, top, factor));
  }

  /** @param {number} left @param {number} top @param {number} factor @returns {Viewport} */
  #zoomed(left, top, factor) {
    const [x, y] = this.toMap(left, top);
    const scale = this.#limitScale(this.scale * factor);
    const ratio = this.scale / scale;
    return { x: x + (this.x - x) * ratio, y: y + (this.y - y) * ratio, scale };
  }

  /** @param {number} scale */
  #limitScale(scale) {
    const fullScale = this.fullViewport().scale;
    return Math.min(fullScale * MAX_ZOOM, Math.max(fullScale * MIN_ZOOM, scale));
  }

  /** Return the pixel of a point. @param {number} x @param {number} y @returns {Point} */
  toScreen(x, y) {
    return [
      this.width / 2 + (x - this.x) * this.scale,
      this.height / 2 - (y - this.y) * this.scale,
    ];
  }

  /**
   * Return the centre of a text at a pixel, moved sideways so that no panel at the edges covers the text.
   * A text whose pixel a panel covers, or that is wider than the space between the panels, stays.
   * @param {number} center @param {number} halfWidth
   */
  centerBetweenPanels(center, halfWidth) {
    const [start, end] = [this.#inset.left, this.width - this.#inset.right];
    if (center < start || center > end || 2 * halfWidth > end - start) return center;
    return Math.min(end - halfWidth, Math.max(start + halfWidth, center));
  }

  /** Return the point at a pixel. @param {number} left @param {number} top @returns {Point} */
  toMap(left, top) {
    return [
      this.x + (left - this.width / 2) / this.scale,
      this.y - (top - this.height / 2) / this.scale,
    ];
  }

  /** Move the map to a point, unless the point is visible. @param {number} x @param {number} y */
  bringIntoView(x, y) {
    const margin = 60;
    const [left, top] = this.toScreen(x, y);
    const isInside = left > margin && left < this.width - margin && top > margin && top < this.height - margin;
    if (!isInside) this.animateTo({ x, y, scale: this.scale });
  }

  /**
   * Move to a viewport in small steps, or in one step if the user prefers reduced motion.
   * @param {Viewport} target @param {() => void} [whenDone]
   */
  animateTo(target, whenDone = () => {}) {
    cancelAnimationFrame(this.#frame);
    const start = { x: this.x, y: this.y, scale: this.scale };
    const startTime = performance.now();
    const duration = prefersReducedMotion() ? 0 : ANIMATION_MS;
    const step = (/** @type {number} */ now) => {
      const elapsed = Math.max(0, now - startTime);
      const time = elapsed < duration ? elapsed / duration : 1;
      this.move(interpolateViewport(start, target, time * (2 - time)));
      if (time < 1) this.#frame = requestAnimationFrame(step);
      else whenDone();
    };
    this.#frame = requestAnimationFrame(step);
  }

  /** Show the whole map in small steps. */
  animateToWhole() {
    this.animateTo(this.fullViewport(), () => this.fit());
  }
}

/**
 * Return the viewport at a fraction of the way from start to end. The scale changes exponentially. The
 * centre depends on the inverse of the scale, so that a zoom keeps the point below the pointer.
 * @param {Viewport} start @param {Viewport} end @param {number} fraction @returns {Viewport}
 */
function interpolateViewport(start, end, fraction) {
  const scale = start.scale * (end.scale / start.scale) ** fraction;
  const progress = end.scale === start.scale
    ? fraction
    : (1 / start.scale - 1 / scale) / (1 / start.scale - 1 / end.scale);
  return { x: start.x + (end.x - start.x) * progress, y: start.y + (end.y - start.y) * progress, scale };
}
