/*
 * A list of the differences between a group of rows and all other shown rows, with effect sizes.
 */

import { EXCLUDED_ROW, GROUP_ROW, OTHER_ROW, findDifferences } from "./differences.js";
import { createElement } from "./dom.js";
import { categoryTitle, formatNumber, formatValue } from "./format.js";
import { formatEnd, scaleTitle } from "./legend.js";
import { columns, scene, storedScales } from "./scene.js";
import { isShown } from "./state.js";
import { barElement } from "./column_lines.js";

/** @import { Colors, Difference, Source } from "./types.js" */

const MAX_DIFFERENCES = 8;

/** The names of truth values in the list. @type {{ [name: string]: string | undefined }} */
const TRUTH_NAMES = { true: "yes", false: "no" };

/** Whether rows have values in which groups of them can differ. */
export const hasComparedValues = storedScales.length + columns.length > 0;

/**
 * Return the list of differences of a group of rows.
 * @param {Source} source @param {number[]} rows @param {string} title  of the values of the group
 */
export async function explanationElement(source, rows, title) {
  const levels = Uint8Array.from({ length: scene.n }, (_, row) => (isShown(row) ? OTHER_ROW : EXCLUDED_ROW));
  for (const row of rows) levels[row] = GROUP_ROW;
  const differences = await findDifferences(source, levels, MAX_DIFFERENCES);
  if (differences.length === 0) {
    const text = rows.length < scene.n ? "No column distinguishes these rows from the others." : "There are no other rows.";
    return createElement("p", { className: "empty" }, text);
  }
  const head = createElement("div", { className: "difference head" },
    createElement("span", {}), ...[title, "others", "effect size"].map((text) => createElement("span", {}, text)));
  return createElement("div", { className: "differences" }, head, ...differences.map(differenceElement));
}

/** @param {Difference} difference */
function differenceElement(difference) {
  const { effect } = difference;
  const [name, groupText, otherText] = formatDifference(difference);
  const bar = createElement("span", { className: "bar-area" }, barElement(effect));
  const size = `${effect < 0 ? "−" : "+"}${Math.abs(effect).toFixed(1)}`;
  const line = createElement("div", { className: "difference" },
    createElement("bdi", { className: "chart-name", title: name }, name),
    createElement("span", { className: "chart-value" }, groupText),
    createElement("span", { className: "chart-value quiet" }, otherText),
    bar, createElement("span", { className: "chart-value" }, size));
  line.title = difference.std === undefined
    ? "Shares of rows. The effect size is Cohen's h."
    : "Means. The effect size is Cohen's d: the difference of the means in standard deviations.";
  return line;
}

/** Return the name, and the values of the group and of the other rows, as texts. @param {Difference} difference */
function formatDifference({ colors, value = "", isWord, groupValue, otherValue, std }) {
  if (std !== undefined) {
    const number = (/** @type {number} */ mean) => meanText(mean, /** @type {Colors} */ (colors), std);
    return [scaleTitle(/** @type {Colors} */ (colors)), number(groupValue), number(otherValue)];
  }
  const share = (/** @type {number} */ part) => `${formatNumber(100 * part, part > 0 && part < 0.1 ? 10 : 100)} %`;
  const name = isWord || !colors ? `“${value}”` : `${scaleTitle(colors)}: ${TRUTH_NAMES[value] ?? categoryTitle(value)}`;
  return [name, share(groupValue), share(otherValue)];
}

/** @param {number} mean @param {Colors} colors @param {number} std */
function meanText(mean, colors, std) {
  const column = colors.column === undefined ? null : columns[colors.column];
  // The time of day is left out where groups differ by days.
  if (column?.kind === "date") return formatValue(mean, { ...column, resolution: std / 24 });
  return Math.abs(mean) >= 10_000 ? formatEnd(mean, colors) : formatNumber(mean, std);
}
