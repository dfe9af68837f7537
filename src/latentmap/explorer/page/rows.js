/*
 * Elements that show rows: images as canvases in their own resolution, table rows as bar charts. The
 * style sheet scales small images without smoothing and large images with smoothing.
 */

import { context2d, createButton, createElement } from "./dom.js";
import { formatValue, formatWhole } from "./format.js";
import { columns, imageSize, numberOf, valueOf } from "./scene.js";
import { state } from "./state.js";

/** @import { Column, GoToRow, Picture, Row, Scores, Source } from "./types.js" */

const MIN_SMOOTH_SIDE = 128; // pixels; larger images are smoothed when they are scaled
const CHART_RANGE = 3; // standard deviations on each side of the mean

/** Number of columns in a chart. */
export const MAX_BARS = 8;

/** Return a canvas with the pixels of a picture. @param {Picture} picture */
function pictureElement({ height, width, channels, data }) {
  const canvas = createElement("canvas", { className: "picture", height, width });
  canvas.classList.toggle("smooth", Math.max(height, width) >= MIN_SMOOTH_SIDE);
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; to < image.data.length; from += channels, to += 4) {
    image.data[to] = data[from];
    image.data[to + 1] = data[from + (channels === 3 ? 1 : 0)];
    image.data[to + 2] = data[from + (channels === 3 ? 2 : 0)];
    image.data[to + 3] = 255;
  }
  context2d(canvas).putImageData(image, 0, 0);
  return canvas;
}

/**
 * Return the difference of a value from the mean, in standard deviations.
 * @param {number} value @param {Column} column
 */
export const deviations = (value, { mean, std }) => (std > 0 ? (value - mean) / std : 0);

/**
 * Return the columns with the largest scores, in the order of the table. In the order of scores, the
 * lines of a chart would change places while the pointer moves.
 * @param {number} count @param {(j: number) => number} score
 */
export const topColumns = (count, score) =>
  [...columns.keys()]
    .sort((a, b) => (score(b) || 0) - (score(a) || 0))
    .slice(0, count)
    .sort((a, b) => a - b);

/**
 * Return a chart of the columns in which a row differs most from the mean: a bar for each value, and
 * a tick for the original value.
 * @param {Float32Array} values @param {Float32Array | null} [original]
 */
function chartElement(values, original = null) {
  const reference = original ?? values;
  const indices = topColumns(MAX_BARS, (j) => Math.abs(deviations(reference[j], columns[j])));
  const lines = indices.map((j) => chartLine(columns[j], values[j], original?.[j]));
  return createElement("div", { className: "chart" }, ...lines);
}

/** @param {Column} column @param {number} value @param {number} [original] */
function chartLine(column, value, original) {
  const bar = createElement("span", { className: "bar-area" }, barElement(deviations(value, column)));
  if (original !== undefined) bar.append(tickElement(deviations(original, column)));
  const title = original === undefined
    ? `${column.name}: mean ${formatValue(column.mean, column)}`
    : `${column.name}: ${formatValue(original, column)}, reconstructed ${formatValue(value, column)}`;
  return createElement(
    "div",
    { className: "chart-line", title },
    createElement("span", { className: "chart-name" }, column.name),
    bar,
    createElement("span", { className: "chart-value" }, formatValue(original ?? value, column)),
  );
}

/** Return the position on a bar in percent. @param {number} deviation */
const percentOf = (deviation) =>
  50 + (50 * Math.max(-CHART_RANGE, Math.min(CHART_RANGE, deviation || 0))) / CHART_RANGE;

/** @param {number} deviation */
function barElement(deviation) {
  const bar = createElement("i", { className: deviation < 0 ? "bar below" : "bar above" });
  const end = percentOf(deviation);
  Object.assign(bar.style, { left: `${Math.min(50, end)}%`, width: `${Math.abs(end - 50)}%` });
  return bar;
}

/** @param {number} deviation */
function tickElement(deviation) {
  const tick = createElement("i", { className: "tick" });
  tick.style.left = `${percentOf(deviation)}%`;
  return tick;
}

/**
 * Return a decoded row. Its opacity shows the density of the data, and is never zero.
 * @param {Row} row @param {number} density  0–1
 */
export function decodedElement(row, density) {
  const element = row instanceof Float32Array ? chartElement(row) : pictureElement(row);
  element.style.opacity = String(0.18 + 0.82 * Math.min(1, density * 4) ** 0.7);
  return element;
}

/**
 * Return an original next to its reconstruction.
 * @param {Row} original @param {Row} reconstruction
 */
export function comparisonElement(original, reconstruction) {
  if (original instanceof Float32Array || reconstruction instanceof Float32Array) {
    const key = createElement("p", { className: "key" },
      createElement("i", { className: "tick" }), "original",
      createElement("i", { className: "bar" }), "reconstruction");
    const chart = chartElement(/** @type {Float32Array} */ (reconstruction), /** @type {Float32Array} */ (original));
    return createElement("div", {}, chart, key);
  }
  return createElement("div", { className: "pair" }, figure(original, "original"), figure(reconstruction, "reconstruction"));
}

/** @param {Picture} picture @param {string} caption */
const figure = (picture, caption) =>
  createElement("figure", {}, pictureElement(picture), createElement("figcaption", {}, caption));

/**
 * Return a list of names and values, without missing values.
 * @param {[string, unknown][]} facts
 */
export function factsElement(facts) {
  const list = createElement("dl", { className: "facts" });
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === "") continue;
    list.append(createElement("div", {}, createElement("dt", {}, name), createElement("dd", {}, String(value))));
  }
  return list;
}

/** Return the scores of a row as facts. @param {Scores} scores @returns {[string, unknown][]} */
export const scoreFacts = ({ confidence, error }) => [
  ["confidence", confidence === null ? null : `${Math.round(100 * confidence)} %`],
  ["error", error?.toPrecision(3)],
];

/** Return the number and label of a row: "Row 12 · seven". @param {number} i */
function rowTitle(i) {
  const number = `Row ${formatWhole(numberOf(i))}`;
  return state.labels ? `${number} · ${valueOf(state.labels, i)}` : number;
}

/**
 * Return buttons for rows: thumbnails of images, names of table rows.
 * @param {Source} source @param {number[]} rows @param {number[] | null} distances
 * @param {GoToRow} onChoose
 */
export async function rowButtons(source, rows, distances, onChoose) {
  const pictures = imageSize ? await source.thumbnails(rows) : [];
  const buttons = rows.map((i, k) => {
    const title = rowTitle(i);
    const content = pictures[k] ? [pictureElement(pictures[k])] : listLine(title, distances?.[k]);
    const button = createButton({ title, onclick: () => onChoose(i) }, ...content);
    button.setAttribute("aria-label", title);
    button.dataset.row = String(i);
    return button;
  });
  return createElement("div", { className: pictures.length ? "thumbnails" : "list" }, ...buttons);
}

/** @param {string} title @param {number} [distance] */
const listLine = (title, distance) => [
  createElement("span", {}, title),
  createElement("span", { className: "quiet" }, distance?.toPrecision(2) ?? ""),
];
