/*
 * Saved selections: named sets of rows that the browser stores for this data set.
 */

import { decodeMask, encodeMask } from "./address.js";
import { byId, createButton, createElement, find, showNotice } from "./dom.js";
import { formatCount } from "./format.js";
import { scene } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { setState, state } from "./state.js";

/** @typedef {{ name: string, rows: string, count: number }} SavedSelection  rows: an encoded mask */

const STORAGE_KEY = `latentmap selections: ${scene.title}, ${scene.dataset}, ${scene.n} of ${scene.total} rows`;

/** Return the stored selections; none if the browser stores nothing for this page. @returns {SavedSelection[]} */
function readSelections() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter(({ name, rows }) => typeof name === "string" && typeof rows === "string") : [];
  } catch {
    return [];
  }
}

/** Install the list of saved selections. Return the function that saves the current selection. */
export function installSavedSelections() {
  const section = byId("saved");
  let saved = readSelections();

  function store() {
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(saved));
    } catch {
      showNotice("The browser does not store data of this page, so saved selections are lost when you close it.");
    }
    draw();
  }

  function save() {
    const { selection } = state;
    if (!selection) return showNotice("No rows are selected. Select rows with the lasso, the box or the search first.");
    const count = selection.reduce((sum, value) => sum + value, 0);
    const numbers = saved.map(({ name }) => Number(name.match(/^Selection (\d+)$/)?.[1] ?? 0));
    saved = [...saved, { name: `Selection ${Math.max(0, ...numbers) + 1}`, rows: encodeMask(selection), count }];
    return store();
  }

  /** @param {SavedSelection} entry */
  function selectionElement(entry) {
    const name = createElement("input", { type: "text", value: entry.name, ariaLabel: "Name of the selection", maxLength: 80, dir: "auto" });
    name.onchange = () => {
      entry.name = name.value.trim() || entry.name;
      store();
    };
    const select = createButton({ className: "button", onclick: () => setState({ selection: decodeMask(entry.rows) }) }, "Select");
    const remove = createButton({ className: "close", title: "Delete the saved selection", ariaLabel: `Delete ${entry.name}` }, "×");
    remove.onclick = () => {
      saved = saved.filter((other) => other !== entry);
      store();
    };
    return createElement("div", { className: "saved-line" }, name,
      createElement("span", { className: "quiet" }, formatCount(Number(entry.count), "row")), select, remove);
  }

  function draw() {
    section.hidden = saved.length === 0;
    find(section, ".body").replaceChildren(...saved.map(selectionElement));
  }

  addShortcut("s", "Save the selection in this browser", save);
  addShortcut("n", "Select the rows of the next saved selection", () => {
    const current = state.selection && encodeMask(state.selection);
    const next = saved[(saved.findIndex(({ rows }) => rows === current) + 1) % saved.length];
    if (next) setState({ selection: decodeMask(next.rows) });
  });
  draw();
  return save;
}
