/*
 * Elements that show rows of a table: a line for each column. Of many columns, the lines of those in
 * which a row is most unusual are shown first, and a button shows all others.
 */

import { createButton, createElement } from "./dom.js";
import { MISSING, formatValue } from "./format.js";
import { columns, hasDecodedValues } from "./scene.js";

/** @import { Column, TableRow } from "./types.js" */

const CHART_RANGE = 3; // Standard deviations that a bar chart shows on each side of the mean.
const MAX_LINES = 12;
const MAX_ALL_LINES = 16; // All columns are shown if there are at most this many.
const MIN_SHARE = 0.001; // A smaller share of a category counts as this share.
const MIN_MARKED_DIFFERENCE = 0.5; // Numbers are marked if they differ by this number of standard deviations.

/** Number of columns that are shown first. */
export const SHOWN_COLUMNS = columns.length <= MAX_ALL_LINES ? columns.length : MAX_LINES;

/** Return whether a column has a mean and a standard deviation. @param {Column} column */
const isNumeric = ({ kind }) => kind === "number" || kind === "date";

/**
 * Return the difference of a number from the mean, in standard deviations; 0 for other values.
 * @param {TableRow[number]} value @param {Column} column
 */
export const deviations = (value, { mean = 0, std = 0 }) =>
  typeof value === "number" && std > 0 ? (value - mean) / std : 0;

/**
 * Return how unusual a value is: its distance from the mean in standard deviations. For one of k
 * categories, with the share p, this is the root of (1 − p) / p / (k − 1). The mean square of both is 1.
 * @param {TableRow[number]} value @param {Column} column
 */
function absoluteDeviation(value, column) {
  if (value === null) return 0;
  if (!column.categories) return Math.abs(deviations(value, column));
  const share = Math.max(MIN_SHARE, column.shares?.[column.categories.indexOf(String(value))] ?? 0);
  return Math.sqrt((1 - share) / share / Math.max(1, column.categories.length - 1));
}

/**
 * Return the columns with the largest scores, in the order of the table. In the order of scores, the
 * lines would change places while the pointer moves.
 * @param {number} count @param {(j: number) => number} score
 */
export const topColumns = (count, score) =>
  [...columns.keys()]
    .sort((a, b) => (score(b) || 0) - (score(a) || 0))
    .slice(0, count)
    .sort((a, b) => a - b);

/**
 * Return a list with a line for each column; the lines beyond the first are hidden until the button
 * of the section is pressed.
 * @param {TableRow} row  determines the columns that are shown first
 * @param {(j: number) => HTMLElement | null} createLine
 */
function listElement(row, createLine) {
  const shownColumns = new Set(topColumns(SHOWN_COLUMNS, (j) => absoluteDeviation(row[j], columns[j])));
  const list = createElement("div", { className: "chart" });
  columns.forEach((_, j) => {
    const line = createLine(j);
    line?.classList.toggle("more", !shownColumns.has(j));
    if (line) list.append(line);
  });
  return list;
}

/** Return a list of the values of a decoded row. @param {TableRow} row */
export const decodedTable = (row) =>
  listElement(row, (j) => (columns[j].is_fitted === false ? null : decodedLine(row[j], columns[j])));

/** @param {TableRow[number]} value @param {Column} column */
function decodedLine(value, column) {
  const bar = isNumeric(column) ? [barArea(column, value)] : [];
  const line = createElement("div", { className: `chart-line ${column.kind}` },
    nameElement(column), ...bar, valueElement(value, column));
  if (isNumeric(column)) line.title = `${column.name}: mean ${formatValue(column.mean ?? null, column)}`;
  return line;
}

/**
 * Return a list of the values of a row and of its reconstruction.
 * @param {TableRow} original @param {TableRow} decoded
 */
export function comparisonTable(original, decoded) {
  const list = listElement(original, (j) => comparisonLine(original[j], decoded[j], columns[j]));
  list.classList.add("comparison");
  if (!hasDecodedValues) return list;
  list.prepend(createElement("div", { className: "chart-line head" },
    createElement("span", { className: "chart-name" }),
    createElement("span", { className: "chart-value" }, createElement("i", { className: "tick" }), "original"),
    createElement("span", { className: "chart-value" }, createElement("i", { className: "bar" }), "decoded")));
  return list;
}

/** @param {TableRow[number]} original @param {TableRow[number]} decoded @param {Column} column */
function comparisonLine(original, decoded, column) {
  const bar = isNumeric(column) ? [barArea(column, decoded, original)] : [];
  const decodedValue = valueElement(decoded, column);
  decodedValue.classList.add("decoded");
  if (differ(original, decoded, column)) {
    decodedValue.classList.add("differs");
    decodedValue.prepend(createElement("span", { className: "sign", ariaLabel: "differs: " }, "≠"));
  }
  const values = [valueElement(original, column), ...(column.is_fitted === false ? [] : [decodedValue])];
  const fitted = column.is_fitted === false ? " not-fitted" : "";
  return createElement("div", { className: `chart-line ${column.kind}${fitted}` }, nameElement(column), ...bar, ...values);
}

/**
 * Return whether a decoded value differs from a known original: another category, or a number that
 * is half a standard deviation away. Decoded texts are single words, which are not compared.
 * @param {TableRow[number]} original @param {TableRow[number]} decoded @param {Column} column
 */
function differ(original, decoded, column) {
  if (original === null || decoded === null || column.kind === "text") return false;
  if (column.categories) return original !== decoded;
  return Math.abs(deviations(original, column) - deviations(decoded, column)) >= MIN_MARKED_DIFFERENCE;
}

/** @param {Column} column */
function nameElement({ name, unit }) {
  const element = createElement("span", { className: "chart-name", title: name }, name);
  if (unit) element.append(createElement("span", { className: "unit" }, ` ${unit}`));
  return element;
}

/** @param {TableRow[number]} value @param {Column} column */
function valueElement(value, column) {
  const text = formatValue(value, column);
  const element = createElement("span", { className: "chart-value", title: text === MISSING ? "missing" : text }, text);
  element.classList.toggle("missing-value", text === MISSING);
  return element;
}

/**
 * Return a bar for a value, with a tick for the original.
 * @param {Column} column @param {TableRow[number]} value @param {TableRow[number]} [original]
 */
function barArea(column, value, original = null) {
  const area = createElement("span", { className: "bar-area" });
  if (value !== null) area.append(barElement(deviations(value, column)));
  if (original !== null) area.append(tickElement(deviations(original, column)));
  return area;
}

/** Return the position on a bar in percent. @param {number} deviation */
const percentOf = (deviation) =>
  50 + (50 * Math.max(-CHART_RANGE, Math.min(CHART_RANGE, deviation || 0))) / CHART_RANGE;

/** Return the bar of a deviation or effect size, from the middle of its area. @param {number} deviation */
export function barElement(deviation) {
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

/** Add a button to a section that shows all columns, if some are hidden. @param {HTMLElement} section */
export function installColumnToggle(section) {
  if (SHOWN_COLUMNS === columns.length) return;
  const showText = `Show all ${columns.length} columns`;
  const button = createButton({ className: "button toggle", ariaExpanded: "false" }, showText);
  button.onclick = () => {
    const showsAll = section.classList.toggle("all");
    button.textContent = showsAll ? "Show fewer columns" : showText;
    button.ariaExpanded = String(showsAll);
  };
  section.append(button);
}
