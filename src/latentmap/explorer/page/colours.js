/*
 * Colours of the points, and the legend that explains them. The categorical colours can be told
 * apart with any colour vision. The light ones are those of plots/style.py: no two of the twenty
 * are closer than .07 in OKLab for normal sight, protanopia and deuteranopia as simulated by
 * G. M. Machado et al. (2009). The dark ones have the same hues, are light enough for a dark
 * background, and are as far apart. Numbers use viridis, whose lightness increases evenly.
 */

import { byId, createButton, createElement } from "./dom.js";
import { formatNumber, formatWhole } from "./format.js";
import { MISSING, scene } from "./scene.js";
import { latestOnly, onChange, setState, state } from "./state.js";

/** @import { Colours, Source, Theme } from "./types.js" */

const CATEGORY_COLOURS = {
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

const MISSING_COLOUR = { light: "#b4b6ba", dark: "#5b6068" };

const VIRIDIS = [
  "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58",
  "#b5de2b", "#fde725",
];

/** The pixel value of points that are not drawn. */
export const HIDDEN = 0;

/** @param {string} hex  "#rrggbb" */
const rgbOf = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

/** Return the 32 bits of an opaque pixel in the buffer of an ImageData. @param {number[]} rgb */
const packRgb = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** Return the 32 bits of an opaque pixel of a colour. @param {string} hex  "#rrggbb" */
export const pixelOf = (hex) => packRgb(rgbOf(hex));

/** @param {number} fraction  0–1 */
function viridis(fraction) {
  const position = fraction * (VIRIDIS.length - 1);
  const below = Math.min(VIRIDIS.length - 2, Math.floor(position));
  const [low, high] = [rgbOf(VIRIDIS[below]), rgbOf(VIRIDIS[below + 1])];
  return low.map((value, k) => Math.round(value + (high[k] - value) * (position - below)));
}

const VIRIDIS_PIXELS = Uint32Array.from({ length: 256 }, (_, i) => packRgb(viridis(i / 255)));

/**
 * Return the colour of a category, or of missing values; colours repeat after twenty.
 * @param {number} code
 */
export function categoryColour(code) {
  const colours = CATEGORY_COLOURS[state.theme];
  return code === MISSING ? MISSING_COLOUR[state.theme] : colours[code % colours.length];
}

/**
 * Return the pixel value of every code, so that drawing a point needs one look-up whatever it is
 * coloured by.
 * @param {Colours} colours
 * @param {Set<number>} hidden  categories not to draw
 */
export function pixelTable(colours, hidden) {
  const table = new Uint32Array(MISSING + 1);
  if (colours.kind === "category") {
    colours.values?.forEach((_, code) => { table[code] = pixelOf(categoryColour(code)); });
  } else {
    for (let code = 0; code < MISSING; code++) {
      table[code] = VIRIDIS_PIXELS[(code * VIRIDIS_PIXELS.length) >> 16];
    }
  }
  table[MISSING] = pixelOf(categoryColour(MISSING));
  for (const code of hidden) table[code] = HIDDEN;
  return table;
}

/** Count the rows of each code. @param {Iterable<number>} codes */
export function countCodes(codes) {
  const counts = new Uint32Array(MISSING + 1);
  for (const code of codes) counts[code]++;
  return counts;
}

/**
 * Write a number of a colouring with the digits that matter in its range.
 * @param {number} value @param {Colours} colours
 */
export const formatInRange = (value, { low = 0, high = 1 }) => formatNumber(value, (high - low) / 4);

/**
 * Fill the list of colourings and show the legend of the chosen one; return when the first is loaded.
 * @param {Source} source
 */
export async function installLegend(source) {
  const body = byId("legend-body");
  const chooser = byId("colouring", HTMLSelectElement);
  chooser.append(...scene.colourings.map((c, i) => createElement("option", { value: String(i) }, c.name)));
  chooser.onchange = () => setState({ colouring: Number(chooser.value) });

  const load = latestOnly(async (/** @type {number} */ i) => {
    if (!scene.colourings[i].ready) body.replaceChildren(createElement("p", { className: "empty" }, "Computing…"));
    try {
      const colours = await source.colours(i);
      scene.colourings[i].ready = true;
      const isLabel = colours.name === "label" && colours.kind === "category";
      setState({ colours, hidden: new Set(), labels: isLabel ? colours : state.labels });
    } finally {
      draw();
    }
  });

  function draw() {
    const { colours } = state;
    if (!colours.name) return;
    body.replaceChildren(colours.kind === "category" ? categoryLegend(colours) : numberLegend(colours));
    markHidden();
  }

  /**
   * There may be hundreds of entries, so a change of the hidden ones does not create them again.
   */
  function markHidden() {
    for (const entry of body.querySelectorAll("button")) {
      entry.setAttribute("aria-pressed", String(!state.hidden.has(Number(entry.dataset.code))));
    }
  }

  onChange(["colouring"], () => load(state.colouring));
  onChange(["colours", "theme"], draw);
  onChange(["hidden"], markHidden);
  byId("legend").hidden = scene.colourings.length === 0;
  if (scene.colourings.length > 0) await load(0);
}

/** @param {Colours} colours */
function categoryLegend({ codes, values = [] }) {
  const counts = countCodes(codes);
  const entries = values.map((text, code) => legendEntry(text, code, counts[code]));
  if (counts[MISSING]) entries.push(legendEntry("(missing)", MISSING, counts[MISSING]));
  return createElement("div", { className: "entries" }, ...entries);
}

/** @param {Colours} colours */
function numberLegend(colours) {
  const bar = createElement("div", { className: "scale" });
  bar.style.background = `linear-gradient(to right, ${VIRIDIS.join()})`;
  const ends = [colours.low, colours.high].map((value = NaN) =>
    createElement("span", {}, formatInRange(value, colours)));
  return createElement("div", {}, bar, createElement("p", { className: "ends" }, ...ends));
}

/** @param {string} text @param {number} code @param {number} count */
function legendEntry(text, code, count) {
  const swatch = createElement("i", { className: "swatch" });
  swatch.style.background = categoryColour(code);
  const entry = createButton(
    {
      className: "entry",
      title: "Click: hide or show. Double-click: show only this one.",
      onclick: () => toggleCategory(code),
      ondblclick: () => isolateCategory(code),
    },
    swatch,
    createElement("span", { className: "entry-name" }, text),
    createElement("span", { className: "quiet" }, formatWhole(count)),
  );
  entry.dataset.code = String(code);
  return entry;
}

/** @param {number} code */
function toggleCategory(code) {
  const hidden = new Set(state.hidden);
  if (!hidden.delete(code)) hidden.add(code);
  setState({ hidden });
}

/** Hide all other categories, or show all if the others are hidden already. @param {number} code */
function isolateCategory(code) {
  const categories = [...(state.colours.values ?? []).keys(), MISSING];
  const others = categories.filter((other) => other !== code);
  const isIsolated = others.every((other) => state.hidden.has(other));
  setState({ hidden: new Set(isIsolated ? [] : others) });
}

/** Follow the system's theme until the user chooses one. */
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
