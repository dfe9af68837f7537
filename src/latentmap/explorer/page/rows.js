/*
 * Elements that show rows: images as canvases in their own resolution, and table rows as lists. The
 * style sheet scales small images without smoothing and large images with smoothing.
 */

import { context2d, createButton, createElement } from "./dom.js";
import { categoryTitle, formatWhole } from "./format.js";
import { formatInRange } from "./legend.js";
import { imageSize, nameOf, numberOf, valueOf } from "./scene.js";
import { state } from "./state.js";
import { comparisonTable, decodedTable } from "./column_lines.js";

/** @import { GoToRow, Picture, Row, Scores, Source, TableRow } from "./types.js" */

const MIN_SMOOTH_SIDE = 128; // Images with a longer side are smoothed when they are scaled.

/** Return a canvas with the pixels of a picture. @param {Picture} picture */
export function pictureElement({ height, width, channels, data }) {
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
 * Return a decoded row. Its opacity shows the density of the data, and is never zero.
 * @param {Row} row @param {number} density  0–1
 */
export function decodedElement(row, density) {
  const element = Array.isArray(row) ? decodedTable(row) : pictureElement(row);
  const smallest = Array.isArray(row) ? 0.5 : 0.18; // Texts must stay legible.
  element.style.opacity = String(smallest + (1 - smallest) * Math.min(1, density * 4) ** 0.7);
  return element;
}

/**
 * Return an original next to its reconstruction.
 * @param {Row} original @param {Row} reconstruction
 */
export function comparisonElement(original, reconstruction) {
  if (Array.isArray(original) || Array.isArray(reconstruction)) {
    return comparisonTable(/** @type {TableRow} */ (original), /** @type {TableRow} */ (reconstruction));
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

/** Return the label of a row as a text, null if it has none or if the labels are not loaded. @param {number} i */
export function labelOf(i) {
  const { labels } = state;
  const label = labels && valueOf(labels, i);
  if (!labels || label === null) return null;
  return typeof label === "number" ? formatInRange(label, labels) : categoryTitle(label);
}

/** Return the number, name and label of a row: "Row 12 · Anna · seven". @param {number} i */
export function rowTitle(i) {
  const name = imageSize ? null : nameOf(i);
  return [`Row ${formatWhole(numberOf(i))}`, name, labelOf(i)]
    .filter((part) => part !== null).join(" · ");
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
  createElement("bdi", { className: "result" }, title),
  createElement("span", { className: "quiet" }, distance?.toPrecision(2) ?? ""),
];
