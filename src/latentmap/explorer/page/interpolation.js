/*
 * Interpolation: the rows decoded on a straight line between two points of the map.
 */

import { byId, context2d, createElement, cssVariable, find } from "./dom.js";
import { categoryColor } from "./palette.js";
import { columnTitle, formatValue } from "./format.js";
import { decodedElement } from "./rows.js";
import { columns, imageSize } from "./scene.js";
import { latestOnly, onChange, setState, state } from "./state.js";
import { deviations, topColumns } from "./column_lines.js";

/** @import { Point, Row, Source, TableRow } from "./types.js" */

const N_POINTS = 11;
const MAX_LINES = 6; // Maximum number of table columns that are plotted.
const CATEGORY_CHANGE = 1.5; // A change of category counts as this change in standard deviations.

/** Return the points of a path, its ends included. @param {Point[]} ends @returns {Point[]} */
const pathPoints = ([[x0, y0], [x1, y1]]) =>
  Array.from({ length: N_POINTS }, (_, k) => {
    const fraction = k / (N_POINTS - 1);
    return [x0 + (x1 - x0) * fraction, y0 + (y1 - y0) * fraction];
  });

/** Show the interpolation when a path has two ends. @param {Source} source */
export function installInterpolation(source) {
  const section = byId("interpolation");
  const body = find(section, ".body");
  const decode = latestOnly(async (/** @type {Point[]} */ ends) => {
    show(body, await source.decode(pathPoints(ends)));
    section.dataset.points = String(N_POINTS);
  });
  find(section, ".close").onclick = () => setState({ path: [], tool: "move" });
  onChange(["path", "theme"], () => {
    section.hidden = state.path.length < 2;
    if (state.path.length === 2) decode(state.path);
  });
}

/** Show pictures, or a line plot for each column. @param {HTMLElement} body @param {{ rows: Row[], densities: number[] }} decoded */
function show(body, { rows, densities }) {
  const tableRows = rows.filter((row) => Array.isArray(row));
  body.classList.toggle("pictures", imageSize !== null);
  body.replaceChildren(...(imageSize
    ? rows.map((row, k) => decodedElement(row, densities[k]))
    : changingColumns(tableRows).map((j) => columnLine(j, tableRows))));
}

/** Return the fitted columns that change most along the path. @param {TableRow[]} rows */
const changingColumns = (rows) => topColumns(MAX_LINES, (j) => {
  if (columns[j].is_fitted === false) return -1;
  if (columns[j].categories) return CATEGORY_CHANGE * (new Set(rows.map((row) => row[j])).size - 1);
  const values = rows.map((row) => deviations(row[j], columns[j]));
  return Math.max(...values) - Math.min(...values);
}).filter((j) => columns[j].is_fitted !== false);

/**
 * Return a column's name, its first value, a plot along the path, and its last value.
 * @param {number} j @param {TableRow[]} rows
 */
function columnLine(j, rows) {
  const column = columns[j];
  const canvas = createElement("canvas", { className: "line-plot", width: 320, height: 40 });
  const { categories } = column;
  if (categories) drawCategories(canvas, rows.map((row) => categories.indexOf(String(row[j]))));
  else drawLine(canvas, rows.map((row) => deviations(row[j], column)));
  const valueElement = (/** @type {TableRow} */ row) => {
    const text = formatValue(row[j], column);
    return createElement("span", { className: "chart-value", title: text }, text);
  };
  return createElement(
    "div",
    { className: "column-line" },
    createElement("span", { className: "chart-name", title: column.name }, columnTitle(column)),
    valueElement(rows[0]),
    canvas,
    valueElement(rows[rows.length - 1]),
  );
}

/** Draw the colour of each category. @param {HTMLCanvasElement} canvas @param {number[]} categories */
function drawCategories(canvas, categories) {
  const context = context2d(canvas);
  const width = canvas.width / categories.length;
  categories.forEach((category, k) => {
    context.fillStyle = categoryColor(category);
    context.fillRect(k * width, 0, Math.ceil(width), canvas.height);
  });
}

/** Draw a line plot. @param {HTMLCanvasElement} canvas @param {number[]} values */
function drawLine(canvas, values) {
  const context = context2d(canvas);
  const range = Math.max(1, ...values.map(Math.abs)) * 1.1;
  Object.assign(context, { strokeStyle: cssVariable("--accent"), lineWidth: 4, lineJoin: "round" });
  context.beginPath();
  values.forEach((value, k) => context.lineTo(
    4 + ((canvas.width - 8) * k) / (values.length - 1),
    (canvas.height / 2) * (1 - value / range),
  ));
  context.stroke();
}
