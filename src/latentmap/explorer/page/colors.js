/*
 * Colours of the points, and their legend. The colours of the light theme are those of
 * plots/style.py: the distance of any two of the twenty in OKLab is at least .07 for normal colour
 * vision, protanopia and deuteranopia as simulated by G. M. Machado et al. (2009). The colours of the
 * dark theme have the same hues and distances, and are light enough for a dark background. Numbers
 * use viridis, whose lightness increases evenly.
 */

import { byId, createButton, createElement } from "./dom.js";
import { columnTitle, formatNumber, formatValue, formatWhole } from "./format.js";
import { MISSING, columns, scene } from "./scene.js";
import { latestOnly, onChange, setState, state } from "./state.js";

/** @import { ColorScale, Colors, Source, Theme } from "./types.js" */

const CATEGORY_COLORS = {
  light: [
    "#3f90da", "#ffa90e", "#bd1f01", "#008f8f", "#832db6", "#a96b59", "#e76300", "#b9ac70",
    "#29337a", "#92dadd", "#700a29", "#0a3dff", "#a3adff", "#7a4766", "#ff33ad", "#66eb8f",
    "#7070ff", "#e099b8", "#476633", "#522952",
  ],
  dark: [
    "#5980ff", "#e7bc06", "#c24809", "#8dfee3", "#b42fb2", "#bf786a", "#d9820e", "#c2b282",
    "#a09fd1", "#7ee0fb", "#f7aac4", "#4f69d8", "#baafff", "#ae526d", "#e53e9f", "#b3ff67",
    "#9a94fe", "#da859f", "#afda85", "#a477ca",
  ],
};

const MISSING_COLOR = { light: "#b4b6ba", dark: "#5b6068" };

const VIRIDIS = [
  "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58",
  "#b5de2b", "#fde725",
];

/** The pixel value of points that are not drawn. */
export const HIDDEN = 0;

/** @param {string} hex  "#rrggbb" */
const rgbOf = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

/** Return an opaque pixel of an ImageData as a 32-bit number. @param {number[]} rgb */
const packRgb = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** Return a colour as an opaque pixel. @param {string} hex  "#rrggbb" */
export const pixelOf = (hex) => packRgb(rgbOf(hex));

/** Return a colour of viridis as RGB. @param {number} fraction  0–1 */
function viridis(fraction) {
  const position = fraction * (VIRIDIS.length - 1);
  const index = Math.min(VIRIDIS.length - 2, Math.floor(position));
  const [start, end] = [rgbOf(VIRIDIS[index]), rgbOf(VIRIDIS[index + 1])];
  return start.map((value, k) => Math.round(value + (end[k] - value) * (position - index)));
}

const VIRIDIS_PIXELS = Uint32Array.from({ length: 256 }, (_, i) => packRgb(viridis(i / 255)));

/**
 * Return the colour of a category or of missing values. Colours repeat after twenty categories.
 * @param {number} category
 */
export function categoryColor(category) {
  const colors = CATEGORY_COLORS[state.theme];
  return category === MISSING ? MISSING_COLOR[state.theme] : colors[category % colors.length];
}

/**
 * Return an array with the packed colour of a pixel for each value.
 * @param {Colors} colors
 * @param {Set<number>} hidden  categories that are not drawn
 */
export function pixelTable({ categories }, hidden) {
  const table = new Uint32Array(MISSING + 1);
  for (let value = 0; value < (categories?.length ?? MISSING); value++) {
    table[value] = categories
      ? pixelOf(categoryColor(value))
      : VIRIDIS_PIXELS[(value * VIRIDIS_PIXELS.length) >> 16];
  }
  table[MISSING] = pixelOf(categoryColor(MISSING));
  for (const category of hidden) table[category] = HIDDEN;
  return table;
}

/** Return the number of rows with each value. @param {Iterable<number>} values */
export function countValues(values) {
  const counts = new Uint32Array(MISSING + 1);
  for (const value of values) counts[value]++;
  return counts;
}

/**
 * Format a number as in its column, or with as many digits as the range of a colour scale needs.
 * @param {number} value @param {Colors} colors
 */
export const formatInRange = (value, { low = 0, high = 1, column }) =>
  column === undefined ? formatNumber(value, (high - low) / 4) : formatValue(value, columns[column]);

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

  const load = latestOnly(async (/** @type {number} */ i) => {
    if (!scene.color_scales[i].is_computed) body.replaceChildren(createElement("p", { className: "empty" }, "Computing…"));
    try {
      const colors = await source.colors(i);
      scene.color_scales[i].is_computed = true;
      const isLabel = colors.name === "label" && colors.column === undefined && colors.categories;
      setState({ colors, hiddenCategories: new Set(), labels: isLabel ? colors : state.labels });
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

  /** Update the entries. New entries would interrupt a double-click, and creating hundreds takes time. */
  function updateEntries() {
    for (const entry of body.querySelectorAll("button")) {
      entry.setAttribute("aria-pressed", String(!state.hiddenCategories.has(Number(entry.dataset.category))));
    }
  }

  onChange(["colorScale"], () => load(state.colorScale));
  onChange(["colors", "theme"], draw);
  onChange(["hiddenCategories"], updateEntries);
  byId("legend").hidden = scene.color_scales.length === 0;
  if (scene.color_scales.length > 0) await load(0);
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
  const bar = createElement("div", { className: "scale" });
  bar.style.background = `linear-gradient(to right, ${VIRIDIS.join()})`;
  const ends = [colors.low, colors.high].map((value = NaN) =>
    createElement("span", {}, formatInRange(value, colors)));
  const nMissing = countValues(colors.values)[MISSING];
  const missing = nMissing ? [missingElement(nMissing)] : [];
  return createElement("div", {}, bar, createElement("p", { className: "ends" }, ...ends), ...missing);
}

/** Return the colour and the number of missing values of a colour scale of numbers. @param {number} count */
function missingElement(count) {
  const swatch = createElement("i", { className: "swatch" });
  swatch.style.background = categoryColor(MISSING);
  return createElement("p", { className: "missing" }, swatch,
    createElement("span", { className: "entry-name" }, "(missing)"),
    createElement("span", { className: "quiet" }, formatWhole(count)));
}

/** @param {string} text @param {number} category @param {number} count */
function legendEntry(text, category, count) {
  const swatch = createElement("i", { className: "swatch" });
  swatch.style.background = categoryColor(category);
  const entry = createButton(
    {
      className: "entry",
      title: "Click: hide or show this category. Double-click: show only this category.",
      onclick: () => toggleCategory(category),
      ondblclick: () => isolateCategory(category),
    },
    swatch,
    createElement("span", { className: "entry-name" }, text),
    createElement("span", { className: "quiet" }, formatWhole(count)),
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
  const others = categories.filter((other) => other !== category);
  const isIsolated = others.every((other) => state.hiddenCategories.has(other));
  setState({ hiddenCategories: new Set(isIsolated ? [] : others) });
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
