/*
 * Linked filters: a chart for each label, score and column. A chosen range or chosen categories
 * hide all other rows on the map, in the table and in the other charts. Each chart counts the rows that
 * pass the filters of all other charts, as in a crossfilter.
 */

import { barChart, histogram } from "./charts.js";
import { byId, createButton, createElement, find, showError } from "./dom.js";
import { formatWhole } from "./format.js";
import { scaleTitle } from "./legend.js";
import { MISSING, loadColors, scene, storedScales } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { latestOnly, onChange, setState, state } from "./state.js";

/** @import { Filter, Source } from "./types.js" */

/** Number of filters that each row fails. */
let failures = new Uint16Array(scene.n);
/** For each colour scale with a filter, 1 for the rows that fail it. @type {Map<number, Uint8Array>} */
let failed = new Map();

/** @param {number} value @param {Filter} filter */
const passes = (value, filter) =>
  "categories" in filter
    ? filter.categories.has(value)
    : value !== MISSING && value >= filter.low && value <= filter.high;

/**
 * Return 1 for each row that fails a filter.
 * @param {Uint16Array} values @param {Filter} filter
 */
function failedRows(values, filter) {
  const table = Uint8Array.from({ length: MISSING + 1 }, (_, value) => Number(!passes(value, filter)));
  return Uint8Array.from(values, (value) => table[value]);
}

/** @param {Source} source @param {Map<number, Filter>} filters */
async function applyFilters(source, filters) {
  /** @type {Map<number, Uint8Array>} */
  const masks = new Map();
  for (const [i, filter] of filters) masks.set(i, failedRows((await loadColors(source, i)).values, filter));
  const counts = new Uint16Array(scene.n);
  for (const mask of masks.values()) mask.forEach((value, i) => { counts[i] += value; });
  [failures, failed] = [counts, masks];
  setState({ passing: filters.size ? Uint8Array.from(counts, (count) => Number(count === 0)) : null });
}

/** Return whether a row counts in the chart of a colour scale. @param {number} row @param {number} scale */
const counts = (row, scale) =>
  failures[row] - (failed.get(scale)?.[row] ?? 0) === 0 && (!state.selection || state.selection[row] === 1);

/** @param {number} scale @param {Filter | null} filter */
function setFilter(scale, filter) {
  const filters = new Map(state.filters);
  if (filter) filters.set(scale, filter);
  else filters.delete(scale);
  setState({ filters });
}

/** Install the section with the charts. @param {Source} source */
export function installFilters(source) {
  const section = byId("filters");
  const button = byId("filter");
  const list = find(section, ".body");
  /** @type {(() => void)[]} */
  const redraws = [];

  const apply = latestOnly((/** @type {Map<number, Filter>} */ filters) => applyFilters(source, filters));

  /** Add the chart of a colour scale. @param {number} i @param {HTMLElement} block */
  async function addChart(i, block) {
    const colors = await loadColors(source, i);
    const create = colors.categories ? barChart : histogram;
    const { element, draw } = create(colors, (row) => counts(row, i), () => state.filters.get(i) ?? null, (filter) => setFilter(i, filter));
    block.replaceChildren(createElement("h3", { dir: "auto", title: scaleTitle(colors) }, scaleTitle(colors)), element);
    redraws.push(draw);
    draw();
  }

  /** Add a button that computes a score and adds its chart. @param {number} i @param {HTMLElement} block */
  function addComputeButton(i, block) {
    const compute = createButton({ className: "button" }, "Compute");
    compute.onclick = () => {
      compute.textContent = "Computing…";
      addChart(i, block).catch(showError);
    };
    block.append(createElement("h3", {}, scaleTitle(scene.color_scales[i])), compute);
  }

  async function open() {
    if (list.childElementCount > 0) return;
    const blocks = scene.color_scales.map(() => createElement("div", { className: "filter" }));
    list.append(...blocks);
    const isReady = (/** @type {number} */ i) => storedScales.includes(i) || scene.color_scales[i].is_computed !== false;
    blocks.forEach((block, i) => { if (!isReady(i)) addComputeButton(i, block); });
    for (const [i, block] of blocks.entries()) if (isReady(i)) await addChart(i, block);
  }

  function toggle() {
    section.hidden = !section.hidden;
    button.setAttribute("aria-expanded", String(!section.hidden));
    if (!section.hidden) open().catch(showError);
    if (!section.hidden) section.scrollIntoView({ block: "start" });
  }

  function showCount() {
    const { passing } = state;
    const number = passing ? passing.reduce((sum, value) => sum + value, 0) : scene.n;
    find(section, "h2 .quiet").textContent = passing ? `${formatWhole(number)} of ${formatWhole(scene.n)} rows` : "";
    byId("clear-filters").hidden = !passing;
    button.classList.toggle("active", passing !== null);
  }

  byId("clear-filters").onclick = () => setState({ filters: new Map() });
  find(section, ".close").onclick = toggle;
  button.onclick = toggle;
  button.hidden = scene.color_scales.length === 0;
  addShortcut("f", "Filter the rows", toggle);
  onChange(["filters"], () => apply(state.filters));
  onChange(["passing", "selection", "theme", "filters"], () => {
    showCount();
    if (!section.hidden) redraws.forEach((draw) => draw());
  });
}
