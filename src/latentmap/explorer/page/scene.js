/*
 * What this page shows, as the program wrote it into the page: how many rows of what shape, the
 * plane's bounds, the colourings. The large parts (points, colours, pictures) are buffers, which
 * a source gives by name: the server, or the file itself.
 */

/**
 * @typedef {Object} Picture  an image row: bytes, row-major, channels last
 * @property {number} height
 * @property {number} width
 * @property {1|3} channels
 * @property {Uint8Array} data
 *
 * @typedef {Picture|Float32Array} Row  a picture, or a table's values in the order of row.columns
 *
 * @typedef {Object} Details  of one row of the data
 * @property {number} number  in the data
 * @property {?string} name
 * @property {?string} label
 * @property {?number} confidence  0–1
 * @property {?number} error
 * @property {Row} original
 * @property {Row} reconstruction
 *
 * @typedef {Object} Source  where buffers, decoded rows and details come from
 * @property {function(string): Promise<ArrayBuffer>} buffer
 * @property {function(number): Promise<Colours>} colours
 * @property {function(Float32Array): Promise<{densities: Float32Array, rows: Row[]}>} decode  of pairs (x, y)
 * @property {function(number): Promise<Details>} details
 * @property {function(number[]): Promise<Picture[]>} thumbs
 * @property {function(number): Promise<{rows: number[], distances: number[]}>} similar
 * @property {function(string, Blob): Promise<Object>} place
 * @property {function(number[]): Promise<Blob>} csv
 */
const scene = JSON.parse(byId("scene").textContent);

const isImage = scene.row.kind === "image";
const fromFile = scene.mode === "file";

/** How many similar rows are looked for. */
const SIMILAR = 12;

/** Cut the bytes of pictures that lie one after the other. */
function cutPictures(bytes, count, { height, width, channels }) {
  const size = height * width * channels;
  return Array.from({ length: count }, (_, i) => ({
    height,
    width,
    channels,
    data: bytes.subarray(i * size, (i + 1) * size),
  }));
}

/** Cut the numbers of table rows that lie one after the other. */
function cutRows(numbers, count) {
  const size = scene.row.columns.length;
  return Array.from({ length: count }, (_, i) => numbers.subarray(i * size, (i + 1) * size));
}
