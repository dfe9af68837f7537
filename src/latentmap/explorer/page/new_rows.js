/*
 * New rows, which the page reads from images, drawings, and .csv and .npy files, and places on the map
 * itself.
 */

import { encodeCells, numberInCell, separateCells, truthValue } from "./csv_cells.js";
import { context2d, createElement } from "./dom.js";
import { withoutAlpha } from "./exported_data.js";
import { createEncoder } from "./encoder.js";
import { readNumpyRows } from "./numpy_file.js";
import { columns, imageSize, scene } from "./scene.js";

/** @import { Column, EncoderDescription, ImageFormat, NewRow, NewRows, Picture, Point, Source, TableColumn } from "./types.js" */

const MAX_ROWS = 100;
const MAX_PIXELS = 25_000_000;

/** Return why the page cannot place new rows, and what to do. */
export const encoderMessage = () =>
  `This page is an exported file, which cannot place new rows, because ${scene.unsupported_encoder}. Use a page that latentmap serves to place your own rows.`;

/** @type {Promise<(numbers: Float32Array) => Point> | null} */
let encoder = null;

/**
 * Return the function that places a row on the map. The encoder is loaded once.
 * @param {Source} source
 */
export const loadEncoder = (source) => (encoder ??= createPlacer(source));

/** @param {Source} source @returns {Promise<(numbers: Float32Array) => Point>} */
async function createPlacer(source) {
  const encode = createEncoder(description(), await source.buffer("encoder"));
  return (numbers) => {
    const [x, y = 0] = encode(numbers);
    return [x, y];
  };
}

/** @returns {EncoderDescription} */
function description() {
  if (!scene.encoder) throw new Error(encoderMessage());
  return scene.encoder;
}

/** Read the first 100 rows of an image, a .csv file or a .npy file. @param {string} name @param {Blob} file @returns {Promise<NewRows>} */
export async function readRows(name, file) {
  description();
  if (imageSize && name.endsWith(".pgm")) {
    return { rows: [pictureRow(await readGreyMap(name, file))], total: 1, note: "" };
  }
  if (imageSize && /\.(png|jpe?g|gif|webp|bmp)$/i.test(name)) {
    const { picture, note } = await readImage(name, file);
    return { rows: [pictureRow(picture)], total: 1, note };
  }
  if (/\.(csv|tsv|txt)$/i.test(name)) return readCells(name, await file.text());
  const isTable = "columns" in description().row_format;
  if (name.endsWith(".npy") && !isTable) return readArray(name, await file.arrayBuffer());
  const expected = [...(imageSize ? ["an image"] : []), "a .csv file", ...(isTable ? [] : ["a .npy file"])].join(" or ");
  throw new Error(`${name}: expected ${expected}, because this page reads no other files.`);
}

/** Return a picture of the size of the rows as a row. @param {Picture} picture @returns {NewRow} */
export function pictureRow(picture) {
  const { low, high, channels } = /** @type {ImageFormat} */ (description().row_format);
  const factor = Math.fround((high - low) / 255);
  const count = picture.height * picture.width;
  const numbers = new Float32Array(count * channels);
  for (let i = 0; i < numbers.length; i++) {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    // The fourth channel is opacity.
    const byte = channel >= picture.channels && channels === 4 && picture.channels === 3
      ? 255 : picture.data[pixel * picture.channels + Math.min(channel, picture.channels - 1)];
    numbers[i] = Math.fround(low) + Math.fround(byte * factor);
  }
  return { numbers, original: picture };
}

/** Read a PGM file of the size of the rows, such as a drawing. @param {string} name @param {Blob} file @returns {Promise<Picture>} */
async function readGreyMap(name, file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { height, width } = size();
  const [, columns, lines] = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(String.fromCharCode(...bytes.subarray(0, 64))) ?? [];
  if (Number(columns) !== width || Number(lines) !== height) {
    throw new Error(`${name}: expected a PGM image of ${width}×${height} bytes.`);
  }
  const grey = bytes.slice(-height * width);
  const { channels } = size();
  return { height, width, channels, data: Uint8Array.from({ length: grey.length * channels }, (_, i) => grey[Math.floor(i / channels)]) };
}

function size() {
  if (!imageSize) throw new Error("The rows are not images.");
  return imageSize;
}

/** Read an image, and convert it to the size and channels of the rows. @param {string} name @param {Blob} file */
async function readImage(name, file) {
  const { height, width, channels } = size();
  const image = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error(`${name}: expected an image that this browser can read.`);
  });
  if (image.width * image.height > MAX_PIXELS) throw new Error(`${name}: expected an image of at most 25 million pixels.`);
  const isResized = image.width !== width || image.height !== height;
  const context = context2d(createElement("canvas", { width, height }), { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  const note = isResized ? `The image was resized from ${image.width}×${image.height} to ${width}×${height} pixels.` : "";
  const data = channels === 1 ? greyLevels(rgba) : withoutAlpha(rgba, channels);
  return { picture: { height, width, channels, data }, note };
}

/** Return the luma of RGBA pixels (ITU-R BT.601), rounded as Pillow rounds it. @param {Uint8ClampedArray} rgba */
const greyLevels = (rgba) =>
  Uint8Array.from({ length: rgba.length / 4 }, (_, i) =>
    (19595 * rgba[4 * i] + 38470 * rgba[4 * i + 1] + 7471 * rgba[4 * i + 2] + 0x8000) >> 16);

/** Read the rows of a .csv file. @param {string} name @param {string} text @returns {NewRows} */
function readCells(name, text) {
  const { cells, total } = separateCells(text, MAX_ROWS + 1);
  if (cells.length === 0) throw new Error(`${name}: expected rows, found none.`);
  const format = description().row_format;
  const isTable = "columns" in format;
  const hasHeader = isTable || cells[0].some((cell) => cell === "" || Number.isNaN(Number(cell)));
  const lines = cells.slice(hasHeader ? 1 : 0).slice(0, MAX_ROWS);
  const rows = isTable ? tableRows(name, cells[0], lines, format.columns) : numericRows(name, cells[0], lines, hasHeader);
  return { rows, total: total - (hasHeader ? 1 : 0), note: "" };
}

/** Return the rows of a table. @param {string} name @param {string[]} header @param {string[][]} lines @param {TableColumn[]} fitted */
function tableRows(name, header, lines, fitted) {
  const indices = fitted.map((column) => header.indexOf(column.name));
  const missing = fitted.find((_, j) => indices[j] < 0);
  if (missing) throw new Error(`${name}: expected a column ${missing.name}, found ${header.join(", ")}.`);
  return lines.map((line) => ({
    numbers: encodeCells(fitted, indices.map((i) => line[i] ?? "")),
    original: columns.map((column) => displayedValue(column, line[header.indexOf(column.name)] ?? "")),
  }));
}

/** Return the value of a cell that the page shows, null if it is missing. @param {Column} column @param {string} cell */
function displayedValue({ kind, format, categories }, cell) {
  if (kind !== "number" && kind !== "date") {
    const isBoolean = categories?.length && categories.every((name) => name === "true" || name === "false");
    return (isBoolean ? truthValue(cell) : cell) || null;
  }
  const number = numberInCell(cell, format === "duration" ? format : kind);
  return Number.isFinite(number) ? number : null;
}

/** Read the rows of an array. @param {string} name @param {ArrayBuffer} buffer @returns {NewRows} */
function readArray(name, buffer) {
  const { rows, total } = readNumpyRows(name, buffer, rowWidth(), MAX_ROWS);
  return { rows: rows.map((numbers, i) => numericRow(name, i, numbers)), total, note: "" };
}

/** @param {string} name @param {number} i @param {Float32Array} numbers @returns {NewRow} */
function numericRow(name, i, numbers) {
  if (!numbers.every(Number.isFinite)) throw new Error(`${name}: expected numbers in row ${i}, counted from 0.`);
  return { numbers, original: displayedRow(numbers) };
}

/** Return the number of values of a row of numbers or of an image. */
function rowWidth() {
  const format = description().row_format;
  if ("names" in format) return format.names.length;
  return size().height * size().width * /** @type {ImageFormat} */ (format).channels;
}

/** Return rows of numbers. @param {string} name @param {string[]} header @param {string[][]} lines @param {boolean} hasHeader */
function numericRows(name, header, lines, hasHeader) {
  const indices = columnIndices(name, header, hasHeader);
  return lines.map((line, i) => {
    const { numbers, original } = numericRow(name, i, Float32Array.from(indices, (j) => (line[j] ? Number(line[j]) : NaN)));
    if (!Array.isArray(original)) return { numbers, original };
    // Columns that are not fitted, such as names, are in the file as well.
    const cells = columns.map((column) => (hasHeader ? line[header.indexOf(column.name)] ?? "" : ""));
    return { numbers, original: original.map((value, j) => value ?? displayedValue(columns[j], cells[j])) };
  });
}

/** Return the index of the column of each number of a row. @param {string} name @param {string[]} header @param {boolean} hasHeader */
function columnIndices(name, header, hasHeader) {
  const format = description().row_format;
  const names = "names" in format ? format.names : [];
  const count = rowWidth();
  const byName = names.map((column) => header.indexOf(column));
  if (hasHeader && names.length > 0 && byName.every((index) => index >= 0)) return byName;
  if (header.length !== count) throw new Error(`${name}: expected ${count} columns of numbers, found ${header.length}.`);
  return [...header.keys()];
}

/** Return numbers as a picture or a row of the table. @param {Float32Array} numbers */
function displayedRow(numbers) {
  const format = description().row_format;
  if ("names" in format) return format.displayed.map((i) => (i === null ? null : numbers[i]));
  const { height, width, channels } = size();
  const { low, high, channels: perPixel } = /** @type {ImageFormat} */ (format);
  const data = Uint8ClampedArray.from({ length: height * width * channels }, (_, i) => {
    const pixel = numbers.subarray(Math.floor(i / channels) * perPixel, (Math.floor(i / channels) + 1) * perPixel);
    const value = channels === 1 ? pixel.reduce((a, b) => a + b) / perPixel : pixel[i % channels];
    return ((value - low) * 255) / (high - low);
  });
  return { height, width, channels, data };
}
