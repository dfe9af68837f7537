/*
 * The scatter plot. Each point blends a small disc into an array of pixels: 70,000 points take a few
 * milliseconds without a graphics card, whereas arcs of the canvas take half a second. The pixels of
 * a disc, its stamp, are computed once for each of 4 × 4 subpixel positions, so that points move
 * smoothly. If many points are in view, a sample is drawn first, and all points when the view rests.
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
const MAX_MOVING = 100_000; // About this many points in view are drawn while the view moves.
const COUNTED_POINTS = 16_384; // Number of points that estimate the number of points in view.
const REST_MS = 120; // Time after the last change until all points are drawn.
const BLOCK = 100_000; // Number of points that are drawn without a pause.

/**
 * @typedef {{ offsets: Int32Array, alphas: Uint16Array }} DiscStamp  the pixels of a disc: their
 * offsets from the first pixel, and alphas from 0 to 256
 *
 * @typedef {{ pixels: Uint32Array, stride: number, lines: number }} PixelBuffer
 * @typedef {{ x: Float32Array, y: Float32Array, order: Uint32Array }} MixedPoints  points in the order in
 * which they are drawn, and the row of each
 * @typedef {{ radius: number, alpha: number, values: Uint16Array, table: Uint32Array,
 *   levels: Uint8Array | null, level: number }} DiscStyle  radius in pixels, alpha 0–1, and the level of
 * the points that are drawn
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
 * Blend the discs of a block of points into pixels.
 * @param {PixelBuffer} buffer @param {MixedPoints} points @param {number} start @param {number} stop
 * @param {Transform} transform  y grows upwards on the map and downwards in pixels
 * @param {DiscStyle} style
 */
function drawDiscs(buffer, { x, y, order }, start, stop, transform, { radius, alpha, values, table, levels, level }) {
  const { pixels, stride } = buffer;
  const stamps = discStamps(radius, alpha, stride);
  const { scale } = transform;
  const left = transform.left - radius - 1;
  const top = transform.top - radius - 1;
  const right = stride - 2 * radius - 5;
  const bottom = buffer.lines - 2 * radius - 5;
  for (let k = start; k < stop; k++) {
    const pixelX = left + x[k] * scale;
    const pixelY = top - y[k] * scale;
    if (!(pixelX >= 0 && pixelY >= 0 && pixelX < right && pixelY < bottom)) continue;
    const row = order[k];
    if (levels !== null && levels[row] !== level) continue;
    const color = table[values[row]];
    if (color === HIDDEN) continue;
    const column = pixelX | 0;
    const line = pixelY | 0;
    const position = (((pixelX - column) * SUBPIXELS) | 0) + SUBPIXELS * (((pixelY - line) * SUBPIXELS) | 0);
    const { offsets, alphas } = stamps[position];
    const first = line * stride + column;
    const redBlue = color & 0xff00ff;
    const green = color & 0xff00;
    for (let j = 0; j < offsets.length; j++) {
      const index = first + offsets[j];
      const coverage = alphas[j];
      const transparency = 256 - coverage;
      const background = pixels[index];
      pixels[index] =
        0xff000000 |
        (((Math.imul(redBlue, coverage) + Math.imul(background & 0xff00ff, transparency)) >>> 8) & 0xff00ff) |
        (((Math.imul(green, coverage) + Math.imul(background & 0xff00, transparency)) >>> 8) & 0xff00);
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

/** Return the points in the order in which they are drawn. @param {Points} points @returns {MixedPoints} */
function mixedPoints({ x, y, size }) {
  const step = mixingStep(size);
  const order = new Uint32Array(size);
  for (let k = 1; k < size; k++) order[k] = (order[k - 1] + step) % size;
  return { x: Float32Array.from(order, (row) => x[row]), y: Float32Array.from(order, (row) => y[row]), order };
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
  const mixed = mixedPoints(points);
  let image = new ImageData(1, 1);
  let timer = 0;

  /** Start an image of the first `count` points. Each step of the result draws a block of points. @param {View} view @param {number} ratio @param {number} count */
  function startImage(view, ratio, count) {
    const pixels = new Uint32Array(image.data.buffer).fill(pixelOf(cssVariable("--map")));
    return drawingSteps({ pixels, stride: image.width, lines: image.height }, mixed, count, view, ratio);
  }

  const show = () => context.putImageData(image, -MARGIN, -MARGIN);

  /** Draw the next block, and show the image when it is complete. @param {Generator} steps */
  function continueImage(steps) {
    if (steps.next().done) show();
    else timer = setTimeout(continueImage, 0, steps);
  }

  return (view, ratio) => {
    clearTimeout(timer);
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (image.width !== width + 2 * MARGIN || image.height !== height + 2 * MARGIN) {
      Object.assign(canvas, { width, height });
      image = new ImageData(width + 2 * MARGIN, height + 2 * MARGIN);
    }
    const count = sampleSize(mixed, view);
    for (const _ of startImage(view, ratio, count));
    show();
    if (count < points.size) {
      timer = setTimeout(() => continueImage(startImage(view, ratio, points.size)), REST_MS);
    }
  };
}

/**
 * Return the number of points to draw while the view moves, of which about 100,000 are in view.
 * @param {MixedPoints} points @param {View} view
 */
function sampleSize({ x, y }, view) {
  const [x0, y0, x1, y1] = view.region();
  const sampleCount = Math.min(COUNTED_POINTS, x.length);
  let inView = 0;
  for (let k = 0; k < sampleCount; k++) {
    if (x[k] >= x0 && x[k] <= x1 && y[k] >= y0 && y[k] <= y1) inView++;
  }
  return Math.min(x.length, Math.ceil((MAX_MOVING * sampleCount) / Math.max(1, inView)));
}

/** Points are not drawn, faint, drawn as usual, or drawn with a ring. */
const [EXCLUDED, FAINT, NORMAL, FOUND] = [0, 1, 2, 3];

/** The levels of all rows, and the state that they were computed from. */
const emphasis = {
  /** @type {(Uint8Array | null)[]} */
  masks: [],
  /** @type {Uint8Array | null} */
  levels: null,
};

/** Return the level of each row, or null if all rows are drawn as usual. */
function emphasisLevels() {
  const { passing, selection, matches } = state;
  const masks = [passing, selection, matches];
  if (masks.every((mask, k) => mask === emphasis.masks[k])) return emphasis.levels;
  emphasis.masks = masks;
  const unselectedLevel = selection || matches ? FAINT : NORMAL;
  emphasis.levels = masks.every((mask) => !mask) ? null : Uint8Array.from({ length: scene.n }, (_, i) => {
    if (passing && !passing[i]) return EXCLUDED;
    if (matches?.[i]) return FOUND;
    return selection?.[i] ? NORMAL : unselectedLevel;
  });
  return emphasis.levels;
}

/**
 * Draw points, a block in each step.
 * @param {PixelBuffer} buffer @param {MixedPoints} points @param {number} count  of points, from the first
 * @param {View} view @param {number} ratio
 */
function* drawingSteps(buffer, points, count, view, ratio) {
  const { colors, hiddenCategories } = state;
  const scale = view.scale * ratio;
  const transform = {
    scale,
    left: MARGIN + (view.width / 2) * ratio - view.x * scale,
    top: MARGIN + (view.height / 2) * ratio + view.y * scale,
  };
  for (const style of discStyles(pointStyle(count, mapArea(view), view.zoom), ratio, colors.values, pixelTable(colors, hiddenCategories))) {
    for (let start = 0; start < count; start += BLOCK) {
      drawDiscs(buffer, points, start, Math.min(count, start + BLOCK), transform, style);
      yield;
    }
  }
}

/**
 * Return the styles of the discs in the order in which they are drawn.
 * @param {{ radius: number, alpha: number }} style  in CSS pixels
 * @param {number} ratio @param {Uint16Array} values @param {Uint32Array} table  of colours
 * @returns {DiscStyle[]}
 */
function discStyles(style, ratio, values, table) {
  const levels = emphasisLevels();
  const [radius, halo, { alpha }] = [style.radius * ratio, HALO_WIDTH * ratio, style];
  const normal = { radius, alpha, values, table, levels, level: NORMAL };
  if (!levels) return [normal];
  const ink = pixelOf(cssVariable("--ink"));
  const matches = { ...normal, radius: Math.max(radius, halo), alpha: 1, level: FOUND };
  const rings = { ...matches, radius: matches.radius + halo, alpha: 0.75, table: table.map((color) => (color === HIDDEN ? HIDDEN : ink)) };
  const faint = { ...normal, alpha: alpha * FAINT_ALPHA, level: FAINT };
  return state.matches ? [faint, rings, matches, normal] : [faint, normal];
}

/**
 * Estimate the area that the points cover when the whole map is shown, in square CSS pixels.
 * @param {View} view
 */
function mapArea(view) {
  const { scale } = view.fullViewport();
  const [x0, y0, x1, y1] = scene.bounds;
  return 0.5 * scale * scale * (x1 - x0) * (y1 - y0);
}
