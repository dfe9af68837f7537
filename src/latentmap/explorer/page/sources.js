/*
 * The two sources of rows: the server that gave this page, or the exported file itself.
 */

import {
  DecodedGrid, QuantizedTable, SpriteSheets, decodeBase64, densityAt, embeddedBuffer, isEmbedded,
} from "./embedded.js";
import { formatCsv } from "./format.js";
import { Points } from "./points.js";
import { MISSING, SIMILAR_ROWS, columns, dequantize, imageSize, numberOf, scene } from "./scene.js";

/** @import { Picture, PictureSize, Point, Row, Source } from "./types.js" */

/** The message for functions that need the server. */
export const NEEDS_SERVER =
  "This file shows what was exported. To place rows of your own, run `latentmap explore MODEL DATA`.";

const SIDES = /** @type {const} */ (["original", "reconstruction"]);

/** The token in the link, which servers beyond this machine require. */
const token = new URLSearchParams(location.search).get("token");

/**
 * Send a request with the header that other web pages cannot send. A failure becomes an error with
 * the server's message.
 * @param {string} path @param {RequestInit} [options]
 */
async function request(path, options = {}) {
  const headers = { "X-Latentmap": "1", ...(token && { "X-Token": token }) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("The server does not answer. Is `latentmap explore` still running?");
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({ error: `The server answered with ${response.status}.` }));
  throw new Error(error);
}

/** @param {string} path */
const requestBytes = async (path) => new Uint8Array(await (await request(path)).arrayBuffer());

/**
 * Split the bytes of consecutive pictures.
 * @param {Uint8Array} bytes @param {PictureSize} size @returns {Picture[]}
 */
function splitPictures(bytes, { height, width, channels }) {
  const length = height * width * channels;
  return Array.from({ length: bytes.length / length }, (_, i) => ({
    height,
    width,
    channels,
    data: bytes.subarray(i * length, (i + 1) * length),
  }));
}

/** Split the numbers of consecutive table rows. @param {Float32Array} values */
const splitRows = (values) =>
  Array.from({ length: values.length / columns.length }, (_, i) =>
    values.subarray(i * columns.length, (i + 1) * columns.length));

/**
 * Convert the values of a table row in JSON, where null is a missing value.
 * @param {(number | null)[]} values
 */
const tableRow = (values) => Float32Array.from(values, (value) => value ?? NaN);

/** @implements {Source} */
export class ServerSource {
  /** @param {string} name */
  async buffer(name) {
    return (await request(`data/${name}`)).arrayBuffer();
  }

  /** @param {number} i */
  async colours(i) {
    const response = await request(`data/colour-${i}`);
    const { headers } = response;
    const colouring = scene.colourings[i];
    const values = headers.get("X-Values");
    return {
      ...colouring,
      low: colouring.low ?? Number(headers.get("X-Low")),
      high: colouring.high ?? Number(headers.get("X-High")),
      values: values ? JSON.parse(decodeURIComponent(values)) : colouring.values,
      codes: new Uint16Array(await response.arrayBuffer()),
    };
  }

  /** @param {Point[]} points */
  async decode(points) {
    const response = await request("decode", { method: "POST", body: Float32Array.from(points.flat()) });
    const bytes = await response.arrayBuffer();
    const start = 4 * points.length;
    const densities = new Float32Array(bytes, 0, points.length);
    const rows = imageSize
      ? splitPictures(new Uint8Array(bytes, start), imageSize)
      : splitRows(new Float32Array(bytes, start));
    return { densities, rows };
  }

  /** @param {number} i */
  async details(i) {
    const json = request(`row/${i}`).then((response) => response.json());
    const bytes = imageSize ? SIDES.map((side) => requestBytes(`row/${i}/${side}`)) : [];
    const [details, ...pictures] = await Promise.all([json, ...bytes]);
    SIDES.forEach((side, k) => {
      details[side] = imageSize ? { ...imageSize, data: pictures[k] } : tableRow(details[side]);
    });
    return details;
  }

  /** @param {number[]} rows */
  async thumbnails(rows) {
    if (rows.length === 0) return [];
    const response = await request(`thumbs?rows=${rows.join(",")}`);
    const [, height, width, channels] = (response.headers.get("X-Shape") ?? "").split(",").map(Number);
    return splitPictures(new Uint8Array(await response.arrayBuffer()), { height, width, channels });
  }

  /** @param {number} i */
  async similar(i) {
    return (await request(`similar/${i}?k=${SIMILAR_ROWS}`)).json();
  }

  /** @param {string} name @param {Blob} file */
  async place(name, file) {
    const response = await request(`place?name=${encodeURIComponent(name)}`, { method: "POST", body: file });
    const placement = await response.json();
    for (const row of placement.rows) {
      for (const side of SIDES) {
        row[side] = imageSize
          ? { ...imageSize, data: decodeBase64(row[`${side}64`]) }
          : tableRow(row[side]);
      }
    }
    return placement;
  }

  /** @param {number[]} rows */
  async csv(rows) {
    return (await request("csv", { method: "POST", body: Uint32Array.from(rows) })).blob();
  }
}

/**
 * Source of an exported file: rows are interpolated on a grid, and scores are read from the colours.
 * @implements {Source}
 */
export class FileSource {
  /** @type {Map<string, Promise<any>>} */
  #cache = new Map();
  #grid = new DecodedGrid();
  #originals = scene.sheets ? new SpriteSheets(scene.sheets, "sheet", 32) : null;
  #reconstructions = scene.back ? new SpriteSheets(scene.back, "back", 16) : null;

  async prepare() {
    await this.#grid.prepare();
  }

  /** @param {string} name */
  buffer(name) {
    return embeddedBuffer(name);
  }

  /**
   * Return a promise that is created once for each key.
   * @template T
   * @param {string} key @param {() => Promise<T>} create @returns {Promise<T>}
   */
  #cached(key, create) {
    const promise = this.#cache.get(key) ?? create();
    this.#cache.set(key, promise);
    return promise;
  }

  /** @param {string} name */
  #table(name) {
    const range = { low: columns.map((c) => c.low), high: columns.map((c) => c.high) };
    return this.#cached(name, async () => new QuantizedTable(await embeddedBuffer(name), range));
  }

  #points() {
    return this.#cached("points", async () => new Points(await embeddedBuffer("points")));
  }

  /** @param {number} i */
  colours(i) {
    const colouring = scene.colourings[i];
    return this.#cached(`colour-${i}`, async () => ({
      ...colouring,
      codes: colouring.column === undefined
        ? new Uint16Array(await embeddedBuffer(`colour-${i}`))
        : (await this.#table("values")).column(colouring.column),
    }));
  }

  /** @param {Point[]} points */
  async decode(points) {
    const cells = await this.#cached("density", async () => new Uint8Array(await embeddedBuffer("density")));
    return {
      densities: Float32Array.from(points, (point) => densityAt(cells, point)),
      rows: await Promise.all(points.map((point) => this.#grid.at(point))),
    };
  }

  /**
   * Return the value of a colouring for a row, null if the file has none.
   * @param {string} name @param {number} i
   */
  async #figure(name, i) {
    const index = scene.colourings.findIndex((c) => c.name === name && c.of !== "column");
    if (index < 0) return null;
    const { kind, codes, values = [], low = 0, high = 1 } = await this.colours(index);
    if (codes[i] === MISSING) return null;
    return kind === "category" ? values[codes[i]] : dequantize(codes[i], low, high);
  }

  /** Return a row's number of the colourings. @param {string} name @param {number} i */
  async #number(name, i) {
    const value = await this.#figure(name, i);
    return typeof value === "number" ? value : null;
  }

  /**
   * Return a row's element of a JSON list: names or labels.
   * @param {string} name @param {number} i
   */
  async #listed(name, i) {
    if (!isEmbedded(name)) return null;
    const list = await this.#cached(name, async () =>
      JSON.parse(new TextDecoder().decode(await embeddedBuffer(name))));
    return list[i];
  }

  /** @param {number} i @returns {Promise<Row | null>} */
  async #original(i) {
    if (imageSize) return this.#originals?.picture(i) ?? null;
    return isEmbedded("values") ? (await this.#table("values")).row(i) : null;
  }

  /** @param {number} i @returns {Promise<Row>} */
  async #reconstruction(i) {
    if (this.#reconstructions) return this.#reconstructions.picture(i);
    if (!imageSize && isEmbedded("back")) return (await this.#table("back")).row(i);
    return this.#grid.at((await this.#points()).positionOf(i));
  }

  /** @param {number} i */
  async details(i) {
    const [name, label, confidence, error, original, reconstruction] = await Promise.all([
      this.#listed("names", i),
      this.#listed("labels", i),
      this.#number("confidence", i),
      this.#number("error", i),
      this.#original(i),
      this.#reconstruction(i),
    ]);
    return { number: numberOf(i), name, label, confidence, error, original, reconstruction };
  }

  /** @param {number[]} rows */
  async thumbnails(rows) {
    const originals = this.#originals;
    return originals ? Promise.all(rows.map((i) => originals.picture(i))) : [];
  }

  /** Return the nearest rows on the map; the file does not hold codes. @param {number} i */
  async similar(i) {
    const { x, y } = await this.#points();
    const weight = scene.plane.components === 1 ? 0 : 1; // y is the height in a histogram of one component
    const distances = x.map((_, k) => Math.hypot(x[k] - x[i], weight * (y[k] - y[i])));
    const rows = [...distances.keys()]
      .filter((k) => k !== i)
      .sort((a, b) => distances[a] - distances[b])
      .slice(0, SIMILAR_ROWS);
    return { rows, distances: rows.map((k) => distances[k]) };
  }

  /** @returns {Promise<never>} */
  async place() {
    throw new Error(NEEDS_SERVER);
  }

  /** @param {number[]} rows */
  async csv(rows) {
    const fields = await this.#csvFields();
    /** @type {unknown[][]} */
    const lines = [fields.map(([name]) => name)];
    for (const i of rows) lines.push(await Promise.all(fields.map(([, valueOf]) => valueOf(i))));
    return new Blob([formatCsv(lines)], { type: "text/csv" });
  }

  /**
   * Return names and functions for the columns of a CSV file, as the server writes them.
   * @returns {Promise<[string, (i: number) => unknown][]>}
   */
  async #csvFields() {
    const points = await this.#points();
    const axes = { 1: ["code 1"], 2: ["code 1", "code 2"] }[scene.plane.components] ?? ["x", "y"];
    const figures = scene.colourings.filter((c) => c.of !== "column" && c.name !== "label");
    return [
      ["row", numberOf],
      ...["names", "labels"].filter(isEmbedded).map((list) => field(list.slice(0, -1), (i) => this.#listed(list, i))),
      ...axes.map((axis, k) => field(axis, (i) => rounded(points.positionOf(i)[k]))),
      ...figures.map(({ name }) => field(name, async (i) => rounded(await this.#figure(name, i)))),
      ...columns.map(({ name }, j) => field(name, async (i) => rounded((await this.#table("values")).row(i)[j]))),
    ];
  }
}

/**
 * @param {string} name @param {(i: number) => unknown} valueOf
 * @returns {[string, (i: number) => unknown]}
 */
const field = (name, valueOf) => [name, valueOf];

/** Round a number to the six digits that 16 bits can hold. @param {unknown} value */
const rounded = (value) =>
  typeof value === "number" && Number.isFinite(value) ? Number(value.toPrecision(6)) : value;
