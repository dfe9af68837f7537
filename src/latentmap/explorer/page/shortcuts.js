/*
 * Keyboard shortcuts: parts of the page register them, and `?` lists them.
 */

import { byId, createElement } from "./dom.js";

/** @typedef {{ keys: string[], title: string, run: () => void }} Shortcut */

/** @type {Shortcut[]} */
const shortcuts = [];

/** Labels of keys whose `KeyboardEvent.key` differs from the label on the keyboard. @type {Record<string, string>} */
const KEY_NAMES = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Enter: "Enter", "-": "−",
};

/**
 * Register a shortcut.
 * @param {string | string[]} keys  values of `KeyboardEvent.key`; the first is listed
 * @param {string} title  what the shortcut does
 * @param {() => void} run
 */
export const addShortcut = (keys, title, run) => shortcuts.push({ keys: [keys].flat(), title, run });

/** Return the label of a key: "Z" for "z". @param {string} key */
const keyName = (key) => KEY_NAMES[key] ?? key.toUpperCase();

/** Listen to the keyboard, and list all shortcuts after `?`. */
export function installShortcuts() {
  const dialog = byId("shortcuts", HTMLDialogElement);
  addShortcut("?", "List the shortcuts", () => (dialog.open ? dialog.close() : showList()));

  function showList() {
    const listed = shortcuts.filter(({ title }) => title);
    byId("shortcut-list").replaceChildren(...listed.map(({ keys, title }) => createElement("div", {},
      createElement("dt", {}, createElement("kbd", {}, keyName(keys[0]))), createElement("dd", {}, title))));
    dialog.showModal();
  }

  byId("help").onclick = showList;
  byId("shortcuts-close").onclick = () => dialog.close();
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog.open && event.key !== "?") return; // The browser closes the dialog after Escape.
    const target = /** @type {Element} */ (event.target);
    const isTyping = target.matches("select, input, textarea") && event.key !== "Escape";
    const pressesButton = target.matches("button, summary") && event.key === "Enter";
    const shortcut = shortcuts.find(({ keys }) => keys.includes(event.key));
    if (!shortcut || isTyping || pressesButton) return;
    event.preventDefault();
    shortcut.run();
  });
}
