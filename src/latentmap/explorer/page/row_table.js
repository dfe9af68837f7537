/*
 * The table of rows below the map: the rows in view, the selected rows, or those that the search
 * finds. Long texts are cut to a few lines; the picked row shows them in full.
 */

import { byId, createButton, createElement, find, showError } from "./dom.js";
import { MISSING, columnTitle, formatCount, formatValue, formatWhole } from "./format.js";
import { labelOf, pictureElement } from "./rows.js";
import { columns, hasLabels, imageSize, labelScale, loadColors, loadTexts, nameOf, numberOf, scene } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { isShown, latestOnly, onChange, rowsOf, setState, state } from "./state.js";

/** @import { Points } from "./points.js" */
/** @import { GoToRow, Source, TableRow } from "./types.js" */
/** @import { View } from "./view.js" */

const BLOCK_ROWS = 50; // Number of rows that are added when the end of the table is in view.
const DELAY_MS = 150; // Delay of the update after the last movement of the map, in milliseconds.

/**
 * @typedef {{ title: string, kind: string, text: (row: number, values: TableRow) => string,
 *   order?: (source: Source) => Promise<ArrayLike<number | string | null>> }} TableColumn
 * `order` returns the values of all rows that the rows are sorted by
 */

/** Return the columns of the table: name and label of a row, then the columns of the data. @returns {TableColumn[]} */
function tableColumns() {
  /** @type {TableColumn[]} */
  const identity = [];
  if (scene.names === "names") identity.push({ title: "name", kind: "text", text: (row) => nameOf(row) ?? MISSING, order: (source) => loadTexts(source, "names") });
  if (hasLabels) identity.push({ title: "label", kind: "category", text: (row) => labelOf(row) ?? MISSING, order: async (source) => (await loadColors(source, labelScale)).values });
  return [...identity, ...columns.map((column, j) => ({
    title: columnTitle(column),
    kind: column.kind,
    text: (/** @type {number} */ _, /** @type {TableRow} */ values) => formatValue(values[j], column),
    order: async (/** @type {Source} */ source) => {
      const scale = scene.color_scales.findIndex((c) => c.column === j);
      return scale < 0 ? loadTexts(source, `originals-text-${j}`) : (await loadColors(source, scale)).values;
    },
  }))];
}

/** @param {Source} source @param {View} view @param {Points} points @param {GoToRow} goTo @param {() => void} onToggle */
export function installRowTable(source, view, points, goTo, onToggle) {
  const section = byId("row-table");
  const body = find(section, "tbody");
  const scroller = find(section, ".scroller");
  const tabs = /** @type {HTMLButtonElement[]} */ ([...section.querySelectorAll("[data-rows]")]);
  const shown = tableColumns();
  let mode = "view";
  let sortColumn = -1;
  let isDescending = false;
  /** @type {number[]} */
  let rows = [];
  let isLoading = false;
  let timer = 0;

  const rowsInView = () => points.rowsIn(view.region()).filter(isShown);
  const modes = { view: rowsInView, selected: () => rowsOf(state.selection), found: () => rowsOf(state.matches) };

  const refresh = latestOnly(async (/** @type {string} */ chosen) => {
    if (section.hidden) return;
    rows = modes[/** @type {keyof typeof modes} */ (chosen)]();
    if (sortColumn >= 0) rows = sortRows(rows, await /** @type {any} */ (shown[sortColumn].order)(source), isDescending);
    find(section, ".count").textContent = formatCount(rows.length, "row");
    body.replaceChildren();
    scroller.scrollTop = 0;
    isLoading = false;
    await addBlock();
  });

  /** Add the next block of rows to the end of the table. */
  async function addBlock() {
    const start = body.childElementCount;
    const block = rows.slice(start, start + BLOCK_ROWS);
    if (isLoading || block.length === 0) return;
    isLoading = true;
    const listed = rows;
    const values = columns.length ? await source.tableRows(block) : block.map(() => []);
    const pictures = imageSize ? await source.thumbnails(block) : [];
    if (listed === rows) body.append(...block.map((row, k) => rowElement(row, values[k], pictures[k] && pictureElement(pictures[k]))));
    isLoading = false;
  }

  /** @param {number} row @param {TableRow} values @param {HTMLElement} [picture] */
  function rowElement(row, values, picture) {
    const number = createButton({ title: "Show this row on the map" }, formatWhole(numberOf(row)));
    const line = createElement("tr", { onmouseenter: () => setState({ hoveredRow: row }), onclick: () => goTo(row) },
      createElement("td", { className: "number" }, number),
      ...(picture ? [createElement("td", {}, picture)] : []),
      ...shown.map(({ kind, text }) => createElement("td", { className: kind }, createElement("div", { dir: "auto" }, text(row, values)))));
    line.dataset.row = String(row);
    line.classList.toggle("picked", row === state.pickedRow);
    return line;
  }

  /** @param {number} k */
  function sortBy(k) {
    isDescending = sortColumn === k && !isDescending;
    sortColumn = k;
    headings.forEach((heading, i) => { heading.ariaSort = i !== k ? "none" : isDescending ? "descending" : "ascending"; });
    refresh(mode);
  }

  const headings = shown.map(({ title, kind }, k) =>
    createElement("th", { className: kind, title }, createButton({ onclick: () => sortBy(k) }, createElement("bdi", {}, title))));
  find(section, "thead tr").append(createElement("th", { className: "number" }, "row"),
    ...(imageSize ? [createElement("th", { className: "image" }, "image")] : []), ...headings);

  function showTabs() {
    const disabled = { view: false, selected: !state.selection, found: !state.matches };
    if (disabled[/** @type {keyof typeof disabled} */ (mode)]) mode = "view";
    for (const tab of tabs) {
      tab.disabled = disabled[/** @type {keyof typeof disabled} */ (tab.dataset.rows)];
      tab.setAttribute("aria-pressed", String(tab.dataset.rows === mode));
    }
  }

  /** @param {string} chosen */
  function chooseTab(chosen) {
    mode = chosen;
    showTabs();
    refresh(mode);
  }

  function toggle() {
    section.hidden = !section.hidden;
    byId("table").setAttribute("aria-expanded", String(!section.hidden));
    onToggle();
    refresh(mode);
  }

  for (const tab of tabs) tab.onclick = () => chooseTab(String(tab.dataset.rows));
  scroller.onscroll = () => {
    if (scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 200) addBlock().catch(showError);
  };
  body.onmouseleave = () => setState({ hoveredRow: -1 });
  byId("table").onclick = toggle;
  find(section, ".close").onclick = toggle;
  addShortcut("r", "Show the rows as a table", toggle);
  addShortcut("v", "List the rows in view, the selected rows, or those that the search finds", () => {
    const enabled = tabs.filter((tab) => !tab.disabled).map((tab) => String(tab.dataset.rows));
    chooseTab(enabled[(enabled.indexOf(mode) + 1) % enabled.length]);
  });
  view.onChange(() => {
    clearTimeout(timer);
    if (mode === "view") timer = setTimeout(() => refresh(mode), DELAY_MS);
  });
  onChange(["selection", "matches"], () => {
    if (state.selection && mode !== "selected") mode = "selected";
    else if (state.matches && !state.selection) mode = "found";
    showTabs();
  });
  onChange(["selection", "matches", "passing", "hiddenCategories", "labels"], () => refresh(mode));
  onChange(["pickedRow"], () => {
    for (const line of body.querySelectorAll("tr")) line.classList.toggle("picked", Number(line.dataset.row) === state.pickedRow);
  });
  showTabs();
}

/**
 * Return rows in the order of their values; missing values come last.
 * @param {number[]} rows @param {ArrayLike<number | string | null>} values @param {boolean} isDescending
 */
function sortRows(rows, values, isDescending) {
  const sign = isDescending ? -1 : 1;
  const isMissing = (/** @type {number} */ row) => values[row] === null || values[row] === "" || values[row] === 65535;
  const compare = (/** @type {number} */ a, /** @type {number} */ b) => {
    const [x, y] = [values[a], values[b]];
    return typeof x === "string" ? x.localeCompare(String(y)) : Number(x) - Number(y);
  };
  return [...rows].sort((a, b) => Number(isMissing(a)) - Number(isMissing(b)) || sign * compare(a, b));
}
