/*
 * What an exported file holds instead of a server: buffers, quantised tables, sprite sheets, and the
 * map decoded on a grid. Everything is unpacked when it is first needed, so a file of 20 MB opens
 * at once.
 */

import { byId, context2d, createElement } from "./dom.js";
import { dequantize, imageSize, scene } from "./scene.js";

/** @import { Grid, Picture, Point, Row, SheetLayout } from "./types.js" */

/** @param {string} name */
export const isEmbedded = (name) => name in (scene.buffers ?? {});

/** Return an embedded buffer. @param {string} name @returns {Promise<ArrayBuffer>} */
export async function embeddedBuffer(name) {
  const bytes = decodeBase64(byId(`data-${name}`).textContent ?? "");
  if (!scene.buffers?.[name].deflated) return bytes.buffer;
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(inflated).arrayBuffer();
}

/**
 * Return the bytes of a base64 text. The browser's own function is about ten times faster.
 * @param {string} text @returns {Uint8Array<ArrayBuffer>}
 */
export function decodeBase64(text) {
  const { fromBase64 } = /** @type {{ fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }} */ (Uint8Array);
  if (fromBase64) return fromBase64(text);
  return Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
}

/** A table with 16 bits for each value. */
export class QuantizedTable {
  #codes;
  #low;
  #high;

  /**
   * @param {ArrayBuffer} buffer  uint16 (rows, columns)
   * @param {{ low: number[], high: number[] }} range  of each column
   */
  constructor(buffer, { low, high }) {
    this.#codes = new Uint16Array(buffer);
    this.#low = low;
    this.#high = high;
  }

  /** @param {number} i */
  row(i) {
    const start = i * this.#low.length;
    return Float32Array.from(this.#low, (low, j) =>
      dequantize(this.#codes[start + j], low, this.#high[j]));
  }

  /** Return the codes of a column. @param {number} j */
  column(j) {
    const width = this.#low.length;
    return Uint16Array.from({ length: this.#codes.length / width }, (_, i) => this.#codes[i * width + j]);
  }
}

/**
 * Pictures packed into large images: a browser decodes a sheet of 1,024 pictures in milliseconds.
 * The sheets that were used longest ago are dropped from memory.
 */
export class SpriteSheets {
  #layout;
  #prefix;
  #capacity;
  /** @type {Map<number, Promise<Picture>>} */
  #decoded = new Map();

  /**
   * @param {SheetLayout} layout
   * @param {string} prefix  the sheets are the buffers `prefix-0`, `prefix-1`, …
   * @param {number} capacity  number of decoded sheets in memory
   */
  constructor(layout, prefix, capacity) {
    this.#layout = layout;
    this.#prefix = prefix;
    this.#capacity = capacity;
  }

  /** Return the i-th picture. @param {number} i @returns {Promise<Picture>} */
  async picture(i) {
    const { rows, columns, height, width } = this.#layout;
    const sheet = await this.sheet(Math.floor(i / rows));
    const left = (i % rows % columns) * width;
    const top = Math.floor((i % rows) / columns) * height;
    return crop(sheet, left, top, height, width);
  }

  /** Return a whole sheet. @param {number} k */
  sheet(k) {
    const sheet = this.#decoded.get(k) ?? decodeSheet(`${this.#prefix}-${k}`, this.#layout.type);
    this.#decoded.delete(k);
    this.#decoded.set(k, sheet);
    const [oldest] = this.#decoded.keys();
    if (this.#decoded.size > this.#capacity) this.#decoded.delete(oldest);
    return sheet;
  }
}

/** @param {string} name @param {string} type @returns {Promise<Picture>} */
async function decodeSheet(name, type) {
  const blob = new Blob([await embeddedBuffer(name)], { type });
  const image = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = image;
  const context = context2d(createElement("canvas", { width, height }), { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  image.close();
  const channels = imageSize?.channels ?? 1;
  return { height, width, channels, data: withoutAlpha(context.getImageData(0, 0, width, height).data, channels) };
}

/**
 * Convert RGBA bytes to grey or RGB ones.
 * @param {Uint8ClampedArray} rgba @param {number} channels
 */
export function withoutAlpha(rgba, channels) {
  const data = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let channel = 0; channel < channels; channel++) data[to++] = rgba[from + channel];
  }
  return data;
}

/**
 * @param {Picture} sheet @param {number} left @param {number} top @param {number} height
 * @param {number} width
 */
function crop(sheet, left, top, height, width) {
  const { channels } = sheet;
  const data = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * sheet.width + left) * channels;
    data.set(sheet.data.subarray(start, start + width * channels), y * width * channels);
  }
  return { height, width, channels, data };
}

/**
 * Return the density of the data at a point, 0–1; 0 outside the grid.
 * @param {Uint8Array} cells  row-major from the smallest x and y
 * @param {Point} point
 */
export function densityAt(cells, [x, y]) {
  const { width, height, bounds } = scene.density;
  const i = Math.floor(((x - bounds[0]) / (bounds[2] - bounds[0])) * width);
  const j = Math.floor(((y - bounds[1]) / (bounds[3] - bounds[1])) * height);
  if (i < 0 || j < 0 || i >= width || j >= height) return 0;
  return cells[j * width + i] / 255;
}

/**
 * Return the four grid nodes around a point and their bilinear weights. Outside the grid the nearest
 * edge counts.
 * @param {Point} point @param {Grid} grid
 */
function nodesAround([x, y], { width, height, bounds }) {
  const [i, right] = cellAndOffset((x - bounds[0]) / (bounds[2] - bounds[0]), width);
  const [j, up] = cellAndOffset((y - bounds[1]) / (bounds[3] - bounds[1]), height);
  const first = j * width + i;
  return {
    nodes: [first, first + 1, first + width, first + width + 1],
    weights: [(1 - right) * (1 - up), right * (1 - up), (1 - right) * up, right * up],
  };
}

/**
 * Return the cell between `count` nodes at a fraction 0–1 of their range, and the offset in it.
 * @param {number} fraction @param {number} count
 */
function cellAndOffset(fraction, count) {
  const position = Math.min(1, Math.max(0, fraction)) * (count - 1);
  const cell = Math.min(count - 2, Math.floor(position));
  return [cell, position - cell];
}

/**
 * Store the weighted sum of four arrays in `target`.
 * @template {Float32Array | Uint8ClampedArray} T
 * @param {T} target @param {ArrayLike<number>[]} arrays @param {number[]} weights
 */
function blend(target, [a, b, c, d], weights) {
  for (let k = 0; k < target.length; k++) {
    target[k] = weights[0] * a[k] + weights[1] * b[k] + weights[2] * c[k] + weights[3] * d[k];
  }
  return target;
}

/** Rows decoded at the nodes of a grid; between the nodes they are blended. */
export class DecodedGrid {
  #grid;
  #sheets;
  /** @type {Promise<QuantizedTable> | null} */
  #table = null;

  constructor() {
    if (!scene.grid) throw new Error("This file holds no decoded rows.");
    this.#grid = scene.grid;
    this.#sheets = imageSize && new SpriteSheets(scene.grid.sheets, "grid", this.#sheetCount());
  }

  #sheetCount() {
    return Math.ceil((this.#grid.width * this.#grid.height) / this.#grid.sheets.rows);
  }

  /** Unpack all sheets in the background, so that decoding is fast from the first point on. */
  async prepare() {
    for (let k = 0; this.#sheets && k < this.#sheetCount(); k++) {
      await this.#sheets.sheet(k);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /** @param {Point} point @returns {Promise<Row>} */
  async at(point) {
    const { nodes, weights } = nodesAround(point, this.#grid);
    if (this.#sheets) {
      const sheets = this.#sheets;
      const pictures = await Promise.all(nodes.map((node) => sheets.picture(node)));
      const data = new Uint8ClampedArray(pictures[0].data.length);
      return { ...pictures[0], data: blend(data, pictures.map((picture) => picture.data), weights) };
    }
    this.#table ??= embeddedBuffer("grid").then((buffer) => new QuantizedTable(buffer, this.#grid));
    const table = await this.#table;
    const rows = nodes.map((node) => table.row(node));
    return blend(new Float32Array(rows[0].length), rows, weights);
  }
}
