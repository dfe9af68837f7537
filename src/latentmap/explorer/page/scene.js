/*
 * The scene: what the page shows, as the program wrote it into the page. Large arrays (points,
 * colours, pictures) are buffers, which a source loads by name from the server or from the file.
 */

import { byId } from "./dom.js";

/** @import { Scene, Source } from "./types.js" */

/** @type {Scene} */
export const scene = JSON.parse(byId("scene").textContent ?? "");

/** The size of the rows if they are images, else null. */
export const imageSize = scene.row.kind === "image" ? scene.row : null;

/** The columns of a table; none for images. */
export const columns = scene.row.kind === "table" ? scene.row.columns : [];

export const isExported = scene.mode === "file";

/** Number of similar rows to show. */
export const SIMILAR_ROWS = 12;

/** The code of a missing value; codes 0 to MISSING - 1 span a column's range. */
export const MISSING = 65535;

/**
 * Return the number that a code stands for.
 * @param {number} code @param {number} low @param {number} high
 */
export const dequantize = (code, low, high) =>
  code === MISSING ? NaN : low + (code / (MISSING - 1)) * (high - low);

/** @type {Uint32Array | null} */
let rowNumbers = null;

/** Load the positions of a sample's rows in the data set. @param {Source} source */
export async function loadRowNumbers(source) {
  if (scene.total > scene.n) rowNumbers = new Uint32Array(await source.buffer("numbers"));
}

/** Return the position in the data set of a shown row. @param {number} i */
export const numberOf = (i) => (rowNumbers ? rowNumbers[i] : i);
