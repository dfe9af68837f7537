/*
 * Data in an exported file: buffers, quantised tables, sprite sheets, and rows decoded at the nodes
 * of a grid. Each part is unpacked when it is first needed, so that a file of 20 MB opens at once.
 */

import { byId, context2d, createElement } from "./dom.js";
import { MISSING, columns, dequantize, imageSize, loadTexts, scene } from "./scene.js";

/** @import { Grid, Picture, Point, Row, SheetLayout, StoredRows, TableRow } from "./types.js" */

/** Return whether the file has a buffer with this name. @param {string} name */
export const isEmbedded = (name) => document.getElementById(`data-${name}`) !== null;

/** Return the bytes of a buffer as they are stored. @param {string} name */
const embeddedBytes = (name) => decodeBase64(byId(`data-${name}`).textContent ?? "");

/** Return the decompressed bytes of a buffer. @param {string} name @returns {Promise<ArrayBuffer>} */
export async function embeddedBuffer(name) {
  const inflater = new DecompressionStream("deflate-raw");
  return new Response(new Blob([embeddedBytes(name)]).stream().pipeThrough(inflater)).arrayBuffer();
}

/**
 * Return the bytes of a base64 text. `Uint8Array.fromBase64` is about ten times faster than `atob`, but
 * older browsers do not have it.
 * @param {string} text @returns {Uint8Array<ArrayBuffer>}
 */
export function decodeBase64(text) {
  const { fromBase64 } = /** @type {{ fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }} */ (Uint8Array);
  if (fromBase64) return fromBase64(text);
  return Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
}

/**
 * Return the originals or reconstructions: images from sprite sheets, or rows of a table.
 * @param {string} name
 * @param {SheetLayout | undefined} layout  of images
 * @param {number} capacity  number of decoded sprite sheets in memory
 */
export const storedRows = (name, layout, capacity) =>
  layout
    ? spriteSheets(name, layout, capacity)
    : storedTable(name, columns.map((c) => c.low ?? 0), columns.map((c) => c.high ?? 1));

const FLOAT32_DIGITS = 7;

/** Indices of the columns that are stored in 16 bits per value. */
const codedColumns = [...columns.keys()].filter((j) => columns[j].kind !== "text");

/**
 * Return the rows of a table: numbers, dates and categories with 16 bits for each value, 32 bits for
 * skewed numbers, and a list of texts for each other column.
 * @param {string} name @param {number[]} low  of each column @param {number[]} high
 * @returns {StoredRows}
 */
function storedTable(name, low, high) {
  const width = codedColumns.length;
  const load = cacheResult(async () => new Uint16Array(await embeddedBuffer(name)));
  const loadLists = cacheResult(() => Promise.all(columns.map((_, j) => {
    const list = `${name}-text-${j}`;
    return isEmbedded(list) ? loadTexts({ buffer: embeddedBuffer }, list) : [];
  })));

  /** Return the numbers of the skewed columns, null for other columns. */
  const loadNumbers = cacheResult(() => Promise.all(columns.map(async (_, j) => {
    const numbers = `${name}-numbers-${j}`;
    return isEmbedded(numbers) ? new Float32Array(await embeddedBuffer(numbers)) : null;
  })));

  /** @param {number} code @param {number} j */
  function valueOfCode(code, j) {
    if (code === MISSING) return null;
    const { categories, is_integer, is_decoded_whole } = columns[j];
    if (categories) return categories[code];
    const value = dequantize(code, low[j], high[j]);
    return (name === "originals" ? is_integer : is_decoded_whole) ? Math.round(value) : value;
  }

  return {
    async row(i) {
      const [codes, lists, numbers] = [await load(), await loadLists(), await loadNumbers()];
      const row = /** @type {TableRow} */ (lists.map((list) => list[i] ?? null));
      codedColumns.forEach((j, k) => {
        const code = codes[i * width + k];
        const number = code === MISSING ? undefined : numbers[j]?.[i];
        row[j] = number === undefined ? valueOfCode(code, j) : Number(number.toPrecision(FLOAT32_DIGITS));
      });
      return row;
    },
    column: async (j) => (await load()).filter((_, k) => k % width === codedColumns.indexOf(j)),
  };
}

/**
 * Return a function that creates a promise at its first call, and later returns the same promise.
 * @template T
 * @param {() => Promise<T>} create
 */
function cacheResult(create) {
  /** @type {Promise<T> | null} */
  let promise = null;
  return () => (promise ??= create());
}

/**
 * Return pictures from sprite sheets. A browser decodes a sheet of 1,024 pictures in milliseconds. The
 * least recently used sheets are removed from memory.
 * @param {string} name  the sheets are the buffers `name-0`, `name-1`, …
 * @param {SheetLayout} layout @param {number} capacity  number of decoded sheets in memory
 * @returns {StoredRows}
 */
function spriteSheets(name, { images_per_sheet, images_per_line, height, width }, capacity) {
  /** @type {Map<number, Promise<Picture>>} */
  const sheets = new Map();

  /** @param {number} k */
  function loadSheet(k) {
    const sheet = sheets.get(k) ?? decodeSheet(`${name}-${k}`);
    sheets.delete(k);
    sheets.set(k, sheet);
    const [oldest] = sheets.keys();
    if (sheets.size > capacity) sheets.delete(oldest);
    return sheet;
  }

  return {
    async row(i) {
      const sheet = await loadSheet(Math.floor(i / images_per_sheet));
      const position = i % images_per_sheet;
      const left = (position % images_per_line) * width;
      const top = Math.floor(position / images_per_line) * height;
      return crop(sheet, left, top, height, width);
    },
  };
}

/** Decode the image file in a buffer. @param {string} name @returns {Promise<Picture>} */
async function decodeSheet(name) {
  const blob = new Blob([embeddedBytes(name)], { type: "image/webp" });
  const image = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = image;
  const context = context2d(createElement("canvas", { width, height }), { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  image.close();
  const channels = imageSize?.channels ?? 1;
  return { height, width, channels, data: withoutAlpha(context.getImageData(0, 0, width, height).data, channels) };
}

/**
 * Convert RGBA bytes to grey or RGB bytes.
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
 * Return a rectangle of a picture.
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
 * @param {Uint8Array} values  at the nodes, row-major from the smallest x and y
 * @param {Point} point
 */
export function densityAt(values, [x, y]) {
  const [x0, y0, x1, y1] = scene.density.bounds;
  if (x < x0 || y < y0 || x > x1 || y > y1) return 0;
  const { nodes, weights } = nodesAround([x, y], scene.density);
  return nodes.reduce((sum, node, k) => sum + (weights[k] * values[node]) / 255, 0);
}

/**
 * Return the four grid nodes around a point and their weights in a bilinear interpolation. For a
 * point outside the grid, use the nearest point of its edge.
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
 * Return the index of the node before a position, and the distance from this node, 0–1. The position
 * is a fraction of the range of `count` nodes.
 * @param {number} fraction @param {number} count
 */
function cellAndOffset(fraction, count) {
  const position = Math.min(1, Math.max(0, fraction)) * (count - 1);
  const cell = Math.min(count - 2, Math.floor(position));
  return [cell, position - cell];
}

/** @param {Picture[]} pictures @param {number[]} weights @returns {Picture} */
function blendPictures(pictures, weights) {
  const [a, b, c, d] = pictures.map((picture) => picture.data);
  const data = new Uint8ClampedArray(a.length);
  for (let k = 0; k < data.length; k++) {
    data[k] = weights[0] * a[k] + weights[1] * b[k] + weights[2] * c[k] + weights[3] * d[k];
  }
  return { ...pictures[0], data };
}

/**
 * Blend table rows: numbers and dates by their weights. Other values are those of the row with the
 * greatest weight.
 * @param {TableRow[]} rows @param {number[]} weights @returns {TableRow}
 */
function blendTableRows(rows, weights) {
  const nearest = rows[weights.indexOf(Math.max(...weights))];
  return nearest.map((value, j) => {
    if (typeof value !== "number") return value;
    const sum = rows.reduce((total, row, k) => total + weights[k] * Number(row[j] ?? value), 0);
    return columns[j].is_decoded_whole ? Math.round(sum) : sum;
  });
}

/** Return rows decoded at the nodes of a grid and interpolated between them. */
export function createDecodedGrid() {
  if (!scene.grid) throw new Error("The file contains no decoded rows.");
  const { grid } = scene;
  const { sheets, width, height, low = [], high = [] } = grid;
  const stored = sheets ? spriteSheets("grid", sheets, Infinity) : storedTable("grid", low, high);

  /** Decode all sprite sheets in the background, so that decoding a first point is fast. */
  async function prepare() {
    for (let i = 0; sheets && i < width * height; i += sheets.images_per_sheet) {
      await stored.row(i);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /** @param {Point} point @returns {Promise<Row>} */
  async function rowAt(point) {
    const { nodes, weights } = nodesAround(point, grid);
    const rows = await Promise.all(nodes.map((node) => stored.row(node)));
    return Array.isArray(rows[0])
      ? blendTableRows(/** @type {TableRow[]} */ (rows), weights)
      : blendPictures(/** @type {Picture[]} */ (rows), weights);
  }

  return { prepare, rowAt };
}
