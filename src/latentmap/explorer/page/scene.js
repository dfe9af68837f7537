/*
 * The scene: the description of data and model that the page contains as JSON. A source loads large
 * arrays, such as points and images, from the server or from the exported file.
 */

import { byId } from "./dom.js";

/** @import { Colors, Scene, Source } from "./types.js" */

/** @type {Scene} */
export const scene = JSON.parse(byId("scene").textContent ?? "");

/** The size of the rows if they are images, else null. */
export const imageSize = scene.row.kind === "image" ? scene.row : null;

/** The columns of a table, or those beside images. */
export const columns = scene.row.columns ?? [];

/** Whether a row decodes to something that the page shows: an image, or columns that are fitted. */
export const hasDecodedValues = imageSize !== null || columns.some((column) => column.is_fitted !== false);

export const isExported = scene.mode === "file";
if (isExported) {
  for (const column of columns) column.resolution = ((column.high ?? 0) - (column.low ?? 0)) / 65534;
}

/** The index of the colour scale of labels, -1 if rows have none. */
export const labelScale = scene.color_scales.findIndex((c) => c.name === "label" && c.column === undefined);
export const hasLabels = labelScale >= 0;

/** Number of similar rows to show. */
export const SIMILAR_ROWS = 12;

/** The quantised value of a missing number, and the category of a missing label. */
export const MISSING = 65535;

/**
 * Return the number from low to high that a quantised value, 0 to MISSING - 1, represents.
 * @param {number} value @param {number} low @param {number} high
 */
export const dequantize = (value, low, high) =>
  value === MISSING ? NaN : low + (value / (MISSING - 1)) * (high - low);

/**
 * Return the quantised value of a number, which may lie outside of 0 to MISSING - 1.
 * @param {number} number @param {{ low?: number, high?: number }} range
 */
export const quantize = (number, { low = 0, high = 1 }) =>
  high > low ? ((number - low) / (high - low)) * (MISSING - 1) : number - low;

/**
 * Return the category or number of a row on a colour scale, null if it is missing.
 * @param {Colors} colors @param {number} i
 */
export function valueOf({ categories, values, low = 0, high = 1 }, i) {
  if (values[i] === MISSING) return null;
  return categories ? categories[values[i]] : dequantize(values[i], low, high);
}

/** @type {Uint32Array | null} */
let rowNumbers = null;

/** If the rows are a sample, load their positions in the data set. @param {Source} source */
export async function loadRowNumbers(source) {
  if (scene.total > scene.n) rowNumbers = new Uint32Array(await source.buffer("numbers"));
}

/** Return the position of a row in the data set. @param {number} i */
export const numberOf = (i) => (rowNumbers ? rowNumbers[i] : i);

/** @type {Map<string, Promise<(string | null)[]>>} */
const textLists = new Map();

/**
 * Return the texts of all rows in a buffer, which is loaded once.
 * @param {Pick<Source, "buffer">} source @param {string} name
 */
export function loadTexts(source, name) {
  const load = async () => JSON.parse(new TextDecoder().decode(await source.buffer(name)));
  const texts = textLists.get(name) ?? load();
  textLists.set(name, texts);
  return texts;
}

/** @type {Map<number, Promise<Colors>>} */
const colorValues = new Map();

/**
 * Return the values of all rows on a colour scale, which are loaded once.
 * @param {Pick<Source, "colors">} source @param {number} index  of the colour scale
 */
export function loadColors(source, index) {
  const values = colorValues.get(index) ?? source.colors(index);
  colorValues.set(index, values);
  values.then(() => { scene.color_scales[index].is_computed = true; }, () => colorValues.delete(index));
  return values;
}

/** Indices of the colour scales of labels and of columns, whose values need no computation. */
export const storedScales = [...scene.color_scales.keys()].filter((i) =>
  scene.color_scales[i].column !== undefined || scene.color_scales[i].name === "label");

/** @type {(string | null)[]} */
let rowNames = [];

/** Load the names of the rows. @param {Source} source */
export async function loadRowNames(source) {
  if (scene.names) rowNames = await loadTexts(source, scene.names);
}

/** Return the name of a row, null if it has none or if the names are not loaded. @param {number} i */
export const nameOf = (i) => rowNames[i] ?? null;
