/*
 * The scatter plot. Each point blends a small disc into an array of pixels: 70,000 points take a few
 * milliseconds without a graphics card, whereas arcs of the canvas take half a second. The pixels of
 * a disc, its stamp, are computed once for each of 4 × 4 subpixel positions, so that points move
 * smoothly.
 */

import { HIDDEN, pixelOf, pixelTable } from "./palette.js";
import { context2d, cssVariable } from "./dom.js";
import { scene } from "./scene.js";
import { state } from "./state.js";

/** @import { Points } from "./points.js" */
/** @import { View } from "./view.js" */

const SUBPIXELS = 4; // Number of subpixels per side of a pixel.
const MARGIN = 32; // Number of pixels that are drawn beyond each edge, for discs that the edge cuts.
const FAINT_ALPHA = 0.16; // Opacity of points that are not emphasised, relative to other points.
const HALO_WIDTH = 2; // Width of the ring around a row that the search finds, in CSS pixels.

/**
 * @typedef {{ offsets: Int32Array, alphas: Uint16Array }} DiscStamp  the pixels of a disc: their
 * offsets from the first pixel, and alphas from 0 to 256
 *
 * @typedef {{ pixels: Uint32Array, stride: number, lines: number }} PixelBuffer
 * @typedef {{ x: Float32Array, y: Float32Array, values: Uint16Array, table: Uint32Array }} ColoredPoints
 * @typedef {{ scale: number, left: number, top: number }} Transform  from the map to pixels
 */

/**
 * Return the stamp of a disc for each subpixel position of its centre.
 * @param {number} radius  in pixels
 * @param {number} alpha  0–1
 * @param {number} stride  pixels in a line
 * @returns {DiscStamp[]}
 */
function discStamps(radius, alpha, stride) {
  const size = Math.ceil(2 * radius + 3);
  return Array.from({ length: SUBPIXELS ** 2 }, (_, position) => {
    const x = radius + 1 + ((position % SUBPIXELS) + 0.5) / SUBPIXELS;
    const y = radius + 1 + (Math.floor(position / SUBPIXELS) + 0.5) / SUBPIXELS;
    const [offsets, alphas] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
    for (let pixel = 0; pixel < size * size; pixel++) {
      const [column, line] = [pixel % size, Math.floor(pixel / size)];
      const distance = Math.hypot(column + 0.5 - x, line + 0.5 - y);
      const coverage = Math.round(256 * alpha * Math.min(1, Math.max(0, radius + 0.5 - distance)));
      if (coverage === 0) continue;
      offsets.push(line * stride + column);
      alphas.push(coverage);
    }
    return { offsets: Int32Array.from(offsets), alphas: Uint16Array.from(alphas) };
  });
}

/**
 * Blend the discs of points into pixels.
 * @param {PixelBuffer} buffer @param {ColoredPoints} points
 * @param {Transform} transform  y grows upwards on the map and downwards in pixels
 * @param {number} radius  in pixels
 * @param {number} alpha  0–1
 * @param {Uint8Array | null} levels  only points with one of the `drawn` levels are drawn
 * @param {number[]} drawn
 */
function drawDiscs(buffer, points, transform, radius, alpha, levels, ...drawn) {
  const { pixels, stride } = buffer;
  const { x, y, values, table } = points;
  const stamps = discStamps(radius, alpha, stride);
  const { scale } = transform;
  const left = transform.left - radius - 1;
  const top = transform.top - radius - 1;
  const right = stride - 2 * radius - 5;
  const bottom = buffer.lines - 2 * radius - 5;
  const step = mixingStep(x.length);
  for (let count = 0, i = 0; count < x.length; count++, i = (i + step) % x.length) {
    if (levels !== null && !drawn.includes(levels[i])) continue;
    const color = table[values[i]];
    if (color === HIDDEN) continue;
    const pixelX = left + x[i] * scale;
    const pixelY = top - y[i] * scale;
    if (!(pixelX >= 0 && pixelY >= 0 && pixelX < right && pixelY < bottom)) continue;
    const column = pixelX | 0;
    const line = pixelY | 0;
    const position = (((pixelX - column) * SUBPIXELS) | 0) + SUBPIXELS * (((pixelY - line) * SUBPIXELS) | 0);
    const { offsets, alphas } = stamps[position];
    const first = line * stride + column;
    const redBlue = color & 0xff00ff;
    const green = color & 0xff00;
    for (let k = 0; k < offsets.length; k++) {
      const index = first + offsets[k];
      const coverage = alphas[k];
      const transparency = 256 - coverage;
      const old = pixels[index];
      pixels[index] =
        0xff000000 |
        (((Math.imul(redBlue, coverage) + Math.imul(old & 0xff00ff, transparency)) >>> 8) & 0xff00ff) |
        (((Math.imul(green, coverage) + Math.imul(old & 0xff00, transparency)) >>> 8) & 0xff00);
    }
  }
}

/**
 * Return the step between points that are drawn one after another. Rows are often sorted by label;
 * drawn in their order, the last label would cover the others. The step is coprime to the number of
 * points, so that all points are drawn, and about 0.618 times this number.
 * @param {number} count
 */
function mixingStep(count) {
  let step = Math.max(1, Math.round(count * 0.618));
  while (greatestCommonDivisor(step, count) !== 1) step++;
  return step;
}

/** @param {number} a @param {number} b @returns {number} */
const greatestCommonDivisor = (a, b) => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/**
 * Return the radius (CSS pixels) and alpha of points. Few points are large, so that they are easy to
 * hit; many points are small, so that they do not cover each other.
 * @param {number} count
 * @param {number} area  of the whole map at zoom 1, in square CSS pixels
 * @param {number} zoom  1 shows the whole map
 */
function pointStyle(count, area, zoom) {
  const spacing = Math.sqrt(area / Math.max(1, count));
  const radius = Math.min(7, Math.max(0.85, 0.36 * Math.min(spacing, 11) * zoom ** 0.5));
  const alpha = Math.min(0.92, 0.5 + 0.12 * spacing * Math.sqrt(zoom) / 2);
  return { radius, alpha };
}

/**
 * Return the function that draws the bottom layer of the map.
 * @param {HTMLCanvasElement} canvas @param {Points} points
 * @returns {(view: View, ratio: number) => void}  ratio: pixels per CSS pixel
 */
export function createScatterLayer(canvas, points) {
  const context = context2d(canvas, { alpha: false });
  let image = new ImageData(1, 1);

  return (view, ratio) => {
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (image.width !== width + 2 * MARGIN || image.height !== height + 2 * MARGIN) {
      Object.assign(canvas, { width, height });
      image = new ImageData(width + 2 * MARGIN, height + 2 * MARGIN);
    }
    const pixels = new Uint32Array(image.data.buffer).fill(pixelOf(cssVariable("--map")));
    drawPoints({ pixels, stride: image.width, lines: image.height }, points, view, ratio);
    context.putImageData(image, -MARGIN, -MARGIN);
  };
}

/** Points that are not drawn, that are faint, that are drawn as usual, and that have a ring. */
const [EXCLUDED, FAINT, NORMAL, FOUND] = [0, 1, 2, 3];

/** Return the level of each row, or null if all rows are drawn as usual. */
function emphasisLevels() {
  const { passing, selection, matches } = state;
  if (!passing && !selection && !matches) return null;
  const usual = selection || matches ? FAINT : NORMAL;
  return Uint8Array.from({ length: scene.n }, (_, i) => {
    if (passing && !passing[i]) return EXCLUDED;
    if (matches?.[i]) return FOUND;
    return selection?.[i] ? NORMAL : usual;
  });
}

/** @param {PixelBuffer} buffer @param {Points} points @param {View} view @param {number} ratio */
function drawPoints(buffer, { x, y, size }, view, ratio) {
  const { colors, hiddenCategories } = state;
  const table = pixelTable(colors, hiddenCategories);
  const colored = { x, y, values: colors.values, table };
  const scale = view.scale * ratio;
  const transform = {
    scale,
    left: MARGIN + (view.width / 2) * ratio - view.x * scale,
    top: MARGIN + (view.height / 2) * ratio + view.y * scale,
  };
  const style = pointStyle(size, mapArea(view), view.zoom);
  const [radius, alpha, halo] = [style.radius * ratio, style.alpha, HALO_WIDTH * ratio];
  const levels = emphasisLevels();
  if (levels) {
    drawDiscs(buffer, colored, transform, radius, alpha * FAINT_ALPHA, levels, FAINT);
    const ink = pixelOf(cssVariable("--ink"));
    const rings = { ...colored, table: table.map((color) => (color === HIDDEN ? HIDDEN : ink)) };
    if (state.matches) drawDiscs(buffer, rings, transform, Math.max(radius, halo) + halo, 0.75, levels, FOUND);
    drawDiscs(buffer, colored, transform, Math.max(radius, halo), 1, levels, FOUND);
  }
  drawDiscs(buffer, colored, transform, radius, alpha, levels, NORMAL);
}

/**
 * Estimate the area that the points cover when the whole map is shown, in square CSS pixels.
 * @param {View} view
 */
function mapArea(view) {
  const { scale } = view.whole();
  const [x0, y0, x1, y1] = scene.bounds;
  return 0.5 * scale * scale * (x1 - x0) * (y1 - y0);
}
