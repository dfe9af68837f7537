/*
 * The legend: the choice of a colour scale, and its categories or its range.
 */

import { byId, createButton, createElement, fitName, showError } from "./dom.js";
import { categoryTitle, columnTitle, compact, formatNumber, formatValue, formatWhole } from "./format.js";
import { VIRIDIS, categoryColor, countValues, numberRanks } from "./palette.js";
import { MISSING, columns, dequantize, labelScale, loadColors, scene } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { latestOnly, onChange, setState, state } from "./state.js";

/** @import { ColorScale, Colors, Source, Theme } from "./types.js" */

// Widths and font size in CSS pixels.
const ENTRY_WIDTH = 138; // Width of the name of a category and its number of rows.
const DIGIT_WIDTH = 7.6;
const FONT_SIZE = 13;

/**
 * Format a number as in its column, or with as many digits as the range of a colour scale needs.
 * @param {number} value @param {Colors} colors
 */
export function formatInRange(value, { low = 0, high = 1, column }) {
  if (column === undefined) return formatNumber(value, (high - low) / 4);
  return formatValue(columns[column].is_integer ? Math.round(value) + 0 : value, columns[column]);
}

/**
 * Format the end of a range as a short text.
 * @param {number} value @param {Colors} colors
 */
export function formatEnd(value, colors) {
  const text = formatInRange(value, colors);
  return colors.column !== undefined && columns[colors.column].kind === "date" ? text : compact(value, text);
}

/** Return the name of a colour scale, with the unit of a column. @param {ColorScale} scale */
export const scaleTitle = ({ name, column }) => (column === undefined ? name : columnTitle(columns[column]));

/**
 * Fill the list of colour scales, show the legend of the chosen scale, and load the first scale.
 * @param {Source} source
 */
export async function installLegend(source) {
  const body = byId("legend-body");
  const chooser = byId("color-scale", HTMLSelectElement);
  chooser.append(...scene.color_scales.map((c, i) => createElement("option", { value: String(i) }, scaleTitle(c))));
  chooser.onchange = () => setState({ colorScale: Number(chooser.value) });
  const step = (/** @type {number} */ by) => () => {
    const { length } = scene.color_scales;
    if (length) setState({ colorScale: (state.colorScale + by + length) % length });
  };
  addShortcut("]", "Colour by the next label, score or column", step(1));
  addShortcut("[", "Colour by the previous label, score or column", step(-1));

  /** @param {Colors} labels */
  const showLabels = (labels) => setState({ labels });

  const load = latestOnly(async (/** @type {number} */ i) => {
    if (!scene.color_scales[i].is_computed) body.replaceChildren(createElement("p", { className: "empty" }, "Computing…"));
    try {
      const colors = await loadColors(source, i);
      if (i === labelScale) showLabels(colors);
      setState({ colors, hiddenCategories: new Set() });
    } finally {
      draw();
    }
  });

  function draw() {
    const { colors } = state;
    if (!colors.name) return;
    body.replaceChildren(colors.categories ? categoryLegend(colors) : numberLegend(colors));
    updateEntries();
  }

  /** Update the existing entries, because new entries would interrupt a double-click and take time. */
  function updateEntries() {
    for (const entry of body.querySelectorAll("button")) {
      entry.setAttribute("aria-pressed", String(!state.hiddenCategories.has(Number(entry.dataset.category))));
    }
  }

  onChange(["colorScale"], () => {
    chooser.value = String(state.colorScale);
    load(state.colorScale);
  });
  onChange(["colors", "theme"], draw);
  onChange(["hiddenCategories"], updateEntries);
  byId("legend").hidden = scene.color_scales.length === 0;
  chooser.value = String(state.colorScale);
  if (scene.color_scales.length > 0) await load(state.colorScale);
  // The names of rows contain their labels also if the address states other colours.
  if (labelScale >= 0 && !state.labels) loadColors(source, labelScale).then(showLabels, showError);
}

/** @param {Colors} colors */
function categoryLegend({ categories = [], values }) {
  const counts = countValues(values);
  const entries = categories.map((text, category) => legendEntry(text, category, counts[category]));
  if (counts[MISSING]) entries.push(legendEntry("(missing)", MISSING, counts[MISSING]));
  return createElement("div", { className: "entries" }, ...entries);
}

/** @param {Colors} colors */
function numberLegend(colors) {
  const { isSkewed, quantiles } = numberRanks(colors);
  const { low = 0, high = 1 } = colors;
  const bar = createElement("div", { className: "scale" });
  bar.style.background = `linear-gradient(to right, ${VIRIDIS.join()})`;
  const numbers = isSkewed ? quantiles.map((value) => dequantize(value, low, high)) : [low, high];
  const shown = isSkewed ? [numbers[0], numbers[2], numbers[4]] : numbers;
  const ends = shown.map((value) => createElement("span", { title: formatInRange(value, colors) }, formatEnd(value, colors)));
  const note = isSkewed
    ? [createElement("p", { className: "empty", title: `Quartiles: ${numbers.slice(1, 4).map((value) => formatInRange(value, colors)).join(", ")}` }, "Minimum, median, maximum. The colour is the rank.")]
    : [];
  const nMissing = countValues(colors.values)[MISSING];
  const missing = nMissing ? [missingElement(nMissing)] : [];
  return createElement("div", {}, bar, createElement("p", { className: "ends" }, ...ends), ...note, ...missing);
}

/** Return the colour and the number of missing values of a colour scale of numbers. @param {number} count */
function missingElement(count) {
  const swatch = createElement("i", { className: "swatch" });
  swatch.style.background = categoryColor(MISSING, state.colors);
  return createElement("p", { className: "missing" }, swatch,
    createElement("span", { className: "entry-name" }, "(missing)"),
    createElement("span", { className: "quiet" }, formatWhole(count)));
}

/** @param {string} text @param {number} category @param {number} count */
function legendEntry(text, category, count) {
  const swatch = createElement("i", { className: "swatch" });
  swatch.style.background = categoryColor(category, state.colors);
  const total = formatWhole(count);
  const entry = createButton(
    {
      className: "entry",
      title: `${categoryTitle(text)}\nClick: hide or show this category. Double-click: show only this category.`,
      onclick: () => toggleCategory(category),
      ondblclick: () => isolateCategory(category),
    },
    swatch,
    createElement("bdi", { className: "entry-name" }, fitName(categoryTitle(text), ENTRY_WIDTH - DIGIT_WIDTH * total.length, FONT_SIZE)),
    createElement("span", { className: "quiet" }, total),
  );
  entry.dataset.category = String(category);
  return entry;
}

/** @param {number} category */
function toggleCategory(category) {
  const hidden = new Set(state.hiddenCategories);
  if (!hidden.delete(category)) hidden.add(category);
  setState({ hiddenCategories: hidden });
}

/** Hide all other categories; if they are hidden, show all categories. @param {number} category */
function isolateCategory(category) {
  const categories = [...(state.colors.categories ?? []).keys(), MISSING];
  const otherCategories = categories.filter((other) => other !== category);
  const isIsolated = otherCategories.every((other) => state.hiddenCategories.has(other));
  setState({ hiddenCategories: new Set(isIsolated ? [] : otherCategories) });
}

/** Use the theme of the system until the user chooses a theme. */
export function installTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = (/** @type {Theme} */ theme) => {
    document.documentElement.dataset.theme = theme;
    setState({ theme });
  };
  const followSystem = () => apply(system.matches ? "dark" : "light");
  system.addEventListener("change", followSystem);
  byId("theme").onclick = () => {
    system.removeEventListener("change", followSystem);
    apply(state.theme === "dark" ? "light" : "dark");
  };
  followSystem();
}
