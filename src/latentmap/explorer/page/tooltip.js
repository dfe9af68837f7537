/*
 * The tooltip: name, label, colour value and text of the row at the pointer, next to its point.
 */

import { byId, createElement } from "./dom.js";
import { shorten } from "./format.js";
import { colorFacts } from "./panel.js";
import { pictureElement, rowTitle } from "./rows.js";
import { columns, imageSize, loadTexts, scene } from "./scene.js";
import { latestOnly, onChange, state } from "./state.js";

/** @import { Points } from "./points.js" */
/** @import { Source } from "./types.js" */
/** @import { View } from "./view.js" */

const GAP = 12; // Distance between the point and the tooltip, in CSS pixels.
const TEXT_LENGTH = 240;

/** Buffer of the first text that is not the name of a row. */
const textBuffer = [...columns.keys()]
  .filter((j) => columns[j].kind === "text")
  .map((j) => `originals-text-${j}`)
  .find((name) => name !== scene.names);

/** @param {Source} source @param {View} view @param {Points} points */
export function installTooltip(source, view, points) {
  const tooltip = byId("tooltip");

  const load = latestOnly(async (/** @type {number} */ row) => {
    const pictures = imageSize ? await source.thumbnails([row]) : [];
    const text = textBuffer ? (await loadTexts(source, textBuffer))[row] : null;
    if (row !== state.hoveredRow) return;
    const facts = colorFacts(row).map(([name, value]) => createElement("p", { className: "quiet" }, `${name}: ${value}`));
    tooltip.replaceChildren(
      ...pictures.map(pictureElement),
      createElement("p", { className: "title", dir: "auto" }, rowTitle(row)),
      ...facts,
      ...(text ? [createElement("p", { className: "text", dir: "auto" }, shorten(text, TEXT_LENGTH))] : []),
    );
    tooltip.hidden = false;
    place(row);
  });

  /** Place the tooltip above the point, or below it near the upper edge. @param {number} row */
  function place(row) {
    const [left, top] = view.toScreen(...points.positionOf(row));
    const { offsetWidth, offsetHeight } = tooltip;
    const x = Math.max(4, Math.min(view.width - offsetWidth - 4, left - offsetWidth / 2));
    const above = top - GAP - offsetHeight;
    tooltip.style.transform = `translate(${Math.round(x)}px, ${Math.round(above >= 4 ? above : top + GAP)}px)`;
    tooltip.dataset.row = String(row);
  }

  view.onChange(() => {
    if (!tooltip.hidden && state.hoveredRow >= 0) place(state.hoveredRow);
  });
  onChange(["hoveredRow", "colors", "outline"], () => {
    const { hoveredRow, outline } = state;
    if (hoveredRow >= 0 && !outline) load(hoveredRow);
    else tooltip.hidden = true;
  });
}
