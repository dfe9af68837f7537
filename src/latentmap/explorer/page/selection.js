/*
 * Selection of rows inside an outline drawn on the map: their summary, and their download as CSV.
 */

import { categoryColor, countValues } from "./palette.js";
import { byId, context2d, createButton, createElement, find, reveal, saveFile, showError } from "./dom.js";
import { explanationElement, hasComparedValues } from "./explanation.js";
import { formatCount, formatWhole } from "./format.js";
import { rowButtons } from "./rows.js";
import { MISSING, SIMILAR_ROWS, scene } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { isShown, latestOnly, onChange, rowsOf, setState, state } from "./state.js";

/** @import { GoToRow, Point, Source } from "./types.js" */
/** @import { Points } from "./points.js" */

/**
 * Select the rows of visible categories inside an outline, or add them to the selection.
 * @param {Point[]} outline @param {Points} points @param {boolean} addsToSelection
 */
export function selectInside(outline, points, addsToSelection) {
  const previous = addsToSelection ? state.selection : null;
  const context = context2d(createElement("canvas"));
  for (const corner of outline) context.lineTo(...corner);
  const isInside = (/** @type {number} */ i) => context.isPointInPath(...points.positionOf(i), "evenodd");
  const selection = Uint8Array.from(points.x, (_, i) =>
    Number(Boolean(previous?.[i]) || (isShown(i) && isInside(i))));
  setState({ selection: selection.includes(1) ? selection : null });
}

/** Return the selected rows that are shown, in ascending order. */
export const selectedRows = () => rowsOf(state.selection);

/**
 * Show a summary of the selected rows.
 * @param {Source} source @param {GoToRow} goTo @param {{ zoom: () => void, keep: () => void }} actions
 */
export function installSelection(source, goTo, { zoom, keep }) {
  const section = byId("selection");
  const preview = latestOnly(async (/** @type {number[]} */ rows) => {
    const buttons = await rowButtons(source, evenlySpaced(rows, SIMILAR_ROWS), null, goTo);
    if (!state.selection) return;
    find(section, ".preview").replaceChildren(buttons);
    reveal(section);
    if (!hasComparedValues) return;
    const explanation = await explanationElement(source, rows, "selected");
    if (!state.selection) return;
    find(section, ".explanation").replaceChildren(explanation);
    reveal(section);
  });

  function draw() {
    const rows = selectedRows();
    section.hidden = rows.length === 0;
    if (section.hidden) return;
    find(section, "h2").textContent = `${formatCount(rows.length, "row")} selected`;
    const buttons = [
      createButton({ className: "button", title: "Zoom to the selected rows (Z)", onclick: zoom }, "Zoom"),
      createButton({ className: "button", title: "Save the selection in this browser (S)", onclick: keep }, "Save"),
      createButton({ id: "save", className: "button", title: "Download the rows as CSV (X)", onclick: () => downloadSelection(source) }, "CSV"),
    ];
    find(section, ".body").replaceChildren(
      categoryShares(rows), createElement("div", { className: "row-buttons" }, ...buttons),
      createElement("div", { className: "explanation" }), createElement("div", { className: "preview" }));
    preview(rows);
  }

  addShortcut("x", "Download the selected rows as CSV", () => downloadSelection(source));
  find(section, ".close").onclick = () => setState({ selection: null });
  onChange(["selection", "passing", "colors", "hiddenCategories", "theme"], draw);
}

/**
 * Return at most `count` values at even distances.
 * @param {number[]} values @param {number} count
 */
const evenlySpaced = (values, count) =>
  values.length <= count
    ? values
    : Array.from({ length: count }, (_, k) => values[Math.floor((k * values.length) / count)]);

/**
 * Return the shares of the categories as a bar and the names of the largest.
 * @param {number[]} rows
 */
function categoryShares(rows) {
  const { categories, values } = state.colors;
  if (!categories) return createElement("div");
  const counts = countValues(rows.map((i) => values[i]));
  const selected = [...categories.keys(), MISSING]
    .filter((category) => counts[category] > 0)
    .sort((a, b) => counts[b] - counts[a]);
  const describe = (/** @type {number} */ category) =>
    `${categories[category] ?? "(missing)"}: ${formatWhole(counts[category])}`;
  const bar = createElement("div", { className: "shares" }, ...selected.map((category) => {
    const part = createElement("i", { title: describe(category) });
    Object.assign(part.style, { flexGrow: counts[category], background: categoryColor(category, state.colors) });
    return part;
  }));
  const texts = selected.slice(0, 4).map(describe);
  if (selected.length > 4) texts.push(formatCount(selected.length - 4, "other"));
  return createElement("div", {}, bar, createElement("p", { className: "quiet" }, texts.join(" · ")));
}

/** Download the selected rows as CSV. @param {Source} source */
async function downloadSelection(source) {
  if (!state.selection) return;
  try {
    saveFile(await source.csv(selectedRows()), `${scene.dataset.replace(/\W+/g, "-")}-selected.csv`);
  } catch (error) {
    showError(error);
  }
}
