/*
 * The scene: what the page shows, as the program wrote it into the page. Large arrays (points,
 * colours, pictures) are buffers, which a source loads by name from the server or from the file.
 */

import { byId } from "./dom.js";

/**
 * @typedef {[number, number]} Point  x and y, in map coordinates or in CSS pixels
 * @typedef {[number, number, number, number]} Bounds  smallest x and y, largest x and y
 *
 * @typedef {Object} PictureSize
 * @property {number} height
 * @property {number} width
 * @property {number} channels  1 (grey) or 3 (RGB)
 *
 * @typedef {PictureSize & { data: Uint8Array | Uint8ClampedArray }} Picture
 *   an image row: bytes, row-major, channels last
 *
 * @typedef {Picture | Float32Array} Row  a picture, or the values of a table row
 *
 * @typedef {Object} Column  of a table
 * @property {string} name
 * @property {number} low
 * @property {number} high
 * @property {number} mean
 * @property {number} deviation  standard deviation
 * @property {boolean} whole  whether all values are whole numbers
 *
 * @typedef {Object} Colouring  something that points can be coloured by
 * @property {string} name
 * @property {"category" | "number"} kind
 * @property {string} [of]  "column" for a column of a table
 * @property {number} [column]  index in the table
 * @property {boolean} [ready]  whether its values are computed
 * @property {string[]} [values]  of categories
 * @property {number} [low]
 * @property {number} [high]
 *
 * @typedef {Colouring & { codes: Uint16Array }} Colours  a colouring and its value for each row:
 *   the index of a category, or 0–65,534 for low–high; 65,535 for a missing value
 *
 * @typedef {{ width: number, height: number, bounds: Bounds }} Grid  nodes or cells on the map
 *
 * @typedef {PictureSize & { rows: number, columns: number, type: string }} SheetLayout
 *   of sprite sheets: pictures on one sheet, pictures side by side, size of a picture, file type
 *
 * @typedef {Object} Scene
 * @property {"server" | "file"} mode
 * @property {string} title
 * @property {string} data  name of the data set
 * @property {string} model
 * @property {number} n  rows shown
 * @property {number} total  rows in the data set
 * @property {PictureSize & { kind: "image" } | { kind: "table", columns: Column[] }} row
 * @property {Bounds} bounds  of the points
 * @property {{ components: number, share: number }} plane
 * @property {Grid} density
 * @property {Colouring[]} colourings
 * @property {boolean} drawable  whether the user can draw a row
 * @property {{ upload_bytes: number }} limits
 * @property {Object<string, { deflated: boolean }>} [buffers]  the remaining properties: in a file
 * @property {Grid & { sheets: SheetLayout, low: number[], high: number[] }} [grid]
 * @property {SheetLayout} [sheets]
 * @property {SheetLayout} [back]
 *
 * @typedef {Object} RowDetails
 * @property {number} number  in the data set
 * @property {string | null} name
 * @property {string | null} label
 * @property {number | null} confidence  0–1
 * @property {number | null} error
 * @property {Row | null} original
 * @property {Row} reconstruction
 *
 * @typedef {Object} PlacedRow  a row of the user, placed on the map
 * @property {Point} spot
 * @property {number | null} confidence
 * @property {number | null} error
 * @property {number[]} similar
 * @property {number[]} distances
 * @property {Row} original
 * @property {Row} reconstruction
 *
 * @typedef {{ rows: PlacedRow[], total: number, note: string }} Placement
 * @typedef {{ densities: Float32Array, rows: Row[] }} Decoded
 * @typedef {{ rows: number[], distances: number[] }} Neighbours
 *
 * @typedef {Object} Source  where buffers, decoded rows and details come from
 * @property {(name: string) => Promise<ArrayBuffer>} buffer
 * @property {(index: number) => Promise<Colours>} colours
 * @property {(points: Point[]) => Promise<Decoded>} decode
 * @property {(row: number) => Promise<RowDetails>} details
 * @property {(rows: number[]) => Promise<Picture[]>} thumbnails
 * @property {(row: number) => Promise<Neighbours>} similar
 * @property {(name: string, file: Blob) => Promise<Placement>} place
 * @property {(rows: number[]) => Promise<Blob>} csv
 * @property {() => Promise<void>} [prepare]
 */

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

/** Return the number that a code stands for. @param {number} code @param {number} low @param {number} high */
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
