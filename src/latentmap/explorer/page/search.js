/*
 * Search for rows by name, or by another text of a table.
 */

import { byId, createButton, createElement, showError } from "./dom.js";
import { formatCount, formatWhole } from "./format.js";
import { columns, loadTexts, numberOf, scene } from "./scene.js";
import { latestOnly, setState } from "./state.js";

/** @import { GoToRow, Source } from "./types.js" */

const MAX_RESULTS = 10;

/** Buffers of strings; the names come first. */
const buffers = [...new Set([
  ...(scene.names ? [scene.names] : []),
  ...[...columns.keys()].filter((j) => columns[j].kind === "text").map((j) => `originals-text-${j}`),
])];

/** Install the search field if rows have texts. @param {Source} source @param {GoToRow} goTo */
export function installSearch(source, goTo) {
  if (buffers.length === 0) return;
  const field = byId("search", HTMLInputElement);
  const results = byId("results");
  byId("search-box").hidden = false;

  const close = () => { results.hidden = true; };
  const choose = (/** @type {number} */ row) => {
    close();
    goTo(row);
  };

  const search = latestOnly(async (/** @type {string} */ query) => {
    const lists = await Promise.all(buffers.map((name) => loadTexts(source, name)));
    if (query === field.value) show(findRows(lists, query));
  });

  /** @param {{ row: number, text: string }[]} matches */
  function show(matches) {
    const buttons = matches.slice(0, MAX_RESULTS).map(({ row, text }) => createButton(
      { title: text, onclick: () => choose(row) },
      createElement("span", { className: "result" }, text),
      createElement("span", { className: "quiet" }, `row ${formatWhole(numberOf(row))}`)));
    const select = createButton({ className: "button", onclick: () => selectRows(matches) }, `Select ${formatCount(matches.length, "row")}`);
    results.replaceChildren(...(matches.length
      ? [...buttons, select]
      : [createElement("p", { className: "empty" }, "No row contains this text.")]));
    results.hidden = false;
  }

  /** @param {{ row: number }[]} matches */
  function selectRows(matches) {
    const selection = new Uint8Array(scene.n);
    for (const { row } of matches) selection[row] = 1;
    close();
    setState({ selection });
  }

  field.oninput = () => (field.value.trim() ? search(field.value) : close());
  field.onkeydown = (event) => {
    if (event.key === "Enter" && !results.hidden) results.querySelector("button")?.click();
    if (event.key !== "Escape") return;
    event.stopPropagation(); // Escape outside the field removes the selection and the picked row.
    close();
    field.blur();
  };
  field.onfocus = () => { if (field.value.trim()) search(field.value).catch(showError); };
  addEventListener("pointerdown", (event) => {
    if (!byId("search-box").contains(/** @type {Node} */ (event.target))) close();
  });
}

/**
 * Return the rows with a text that contains the query, in any case of letters, and this text.
 * @param {(string | null)[][]} lists @param {string} query
 */
function findRows(lists, query) {
  const lowerCaseQuery = query.trim().toLocaleLowerCase();
  const matches = [];
  for (let row = 0; row < scene.n; row++) {
    const text = lists.map((list) => list[row]).find((item) => item?.toLocaleLowerCase().includes(lowerCaseQuery));
    if (text) matches.push({ row, text });
  }
  return matches;
}
