/*
 * The search field and its results. The map marks the rows that the search finds.
 */

import { byId, createButton, createElement } from "./dom.js";
import { categoryTitle, formatCount, formatWhole } from "./format.js";
import { formatInRange, scaleTitle } from "./legend.js";
import { rowTitle } from "./rows.js";
import { MISSING, dequantize, loadColors, loadTexts, numberOf, storedScales } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { latestOnly, onChange, rowsOf, setState, state } from "./state.js";
import { findRows, matchingRanges, queryWords, textBuffers } from "./text_search.js";

/** @import { Colors, GoToRow, Source } from "./types.js" */

const MAX_RESULTS = 10;
const SNIPPET_START = 12; // Number of characters before the first match in a long text.
const MAX_START = 30; // A text is shown from its beginning if its first match is not after this.

/** Install the search field if rows have texts, labels or columns. @param {Source} source @param {GoToRow} goTo */
export function installSearch(source, goTo) {
  if (textBuffers.length + storedScales.length === 0) return;
  const field = byId("search", HTMLInputElement);
  const results = byId("results");
  byId("search-box").hidden = false;

  const close = () => { results.hidden = true; };

  /** @param {number} row */
  function choose(row) {
    close();
    field.blur();
    goTo(row);
  }

  const search = latestOnly(async (/** @type {string} */ query) => {
    if (queryWords(query).length === 0) return setState({ matches: null });
    const [matches, lists, scales] = await Promise.all([
      findRows(source, query),
      Promise.all(textBuffers.map((name) => loadTexts(source, name))),
      Promise.all(storedScales.map((i) => loadColors(source, i))),
    ]);
    if (query !== state.query) return;
    setState({ matches });
    if (document.activeElement === field) show(rowsOf(matches), (row) => [...lists.map((list) => list[row]), ...scales.map((scale) => formatScaleValue(scale, row))]);
  });

  /** @param {number[]} rows @param {(row: number) => (string | null)[]} getTexts */
  function show(rows, getTexts) {
    const buttons = rows.slice(0, MAX_RESULTS).map((row) => createButton(
      { onclick: () => choose(row) },
      snippet(row, getTexts(row)),
      createElement("span", { className: "quiet" }, `row ${formatWhole(numberOf(row))}`)));
    const select = createButton({ className: "button", onclick: selectMatches }, `Select ${formatCount(rows.length, "row")}`);
    results.replaceChildren(...(rows.length ? [...buttons, select] : [createElement("p", { className: "empty" }, "No row contains these words.")]));
    results.hidden = false;
  }

  function selectMatches() {
    close();
    if (state.matches) setState({ selection: state.matches, query: "" });
  }

  field.oninput = () => setState({ query: field.value });
  field.onfocus = () => { if (state.query) search(state.query); };
  field.onkeydown = (event) => {
    if (event.key === "Enter" && !results.hidden) results.querySelector("button")?.click();
    if (event.key !== "Escape") return;
    event.stopPropagation(); // Escape outside the field also removes the selection and the picked row.
    close();
    setState({ query: "" });
    field.blur();
  };
  onChange(["query"], () => {
    if (field.value !== state.query) field.value = state.query;
    if (!state.query.trim()) close();
    search(state.query);
  });
  addEventListener("pointerdown", (event) => {
    if (!byId("search-box").contains(/** @type {Node} */ (event.target))) close();
  });
  byId("search-box").addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !byId("search-box").contains(/** @type {Node} */ (relatedTarget))) close();
  });
  addShortcut("/", "Search", () => field.focus());
  addShortcut("g", "Select the rows that the search finds", selectMatches);
}

/** Return the value of a row on a colour scale as a text, null if it is missing. @param {Colors} colors @param {number} row */
function formatScaleValue(colors, row) {
  const value = colors.values[row];
  if (value === MISSING) return null;
  if (colors.categories) return categoryTitle(colors.categories[value]);
  return `${scaleTitle(colors)} ${formatInRange(dequantize(value, colors.low ?? 0, colors.high ?? 1), colors)}`;
}

/**
 * Return the first text that contains a word of the query, with the words marked. If no text does,
 * return the title of the row.
 * @param {number} row @param {(string | null)[]} texts
 */
function snippet(row, texts) {
  const words = queryWords(state.query);
  const text = texts.find((item) => item && matchingRanges(item, words).length > 0) ?? rowTitle(row);
  const ranges = matchingRanges(text, words);
  const element = createElement("span", { className: "result", title: text, dir: "auto" });
  let position = snippetStart(text, ranges[0]?.[0] ?? 0);
  if (position > 0) element.append("…");
  for (const [start, end] of ranges) {
    element.append(text.slice(position, start), createElement("mark", {}, text.slice(start, end)));
    position = end;
  }
  element.append(text.slice(position));
  return element;
}

/**
 * Return where a snippet starts, so that its first match is visible.
 * @param {string} text @param {number} match  position of the first match
 */
function snippetStart(text, match) {
  if (match <= MAX_START) return 0;
  const start = match - SNIPPET_START;
  const isHalfCharacter = /[\udc00-\udfff]/.test(text[start]);
  return isHalfCharacter ? start + 1 : start;
}
