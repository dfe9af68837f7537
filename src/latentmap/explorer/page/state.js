/*
 * State that the parts of the page share. A part sets properties, and listens to the properties that
 * it shows, so that parts do not call each other.
 */

import { showError } from "./dom.js";
import { MISSING, scene } from "./scene.js";

/** @import { State } from "./types.js" */

/** @type {State} */
export const state = {
  theme: "light",
  tool: "move",
  colorScale: 0,
  colors: { name: "", low: 0, high: 1, values: new Uint16Array(scene.n).fill(MISSING) },
  labels: null,
  hiddenCategories: new Set(),
  filters: new Map(),
  passing: null,
  query: "",
  matches: null,
  position: null,
  cursor: "mouse",
  hoveredRow: -1,
  pickedRow: -1,
  pickedPoint: null,
  neighborhood: null,
  selection: null,
  outline: null,
  path: [],
  upload: null,
  previewPoints: [],
  contours: false,
};

/** @type {{ names: (keyof State)[], listener: () => void }[]} */
const listeners = [];

/**
 * Change properties of the state. Call each listener once if one of its properties has changed.
 * @param {Partial<State>} changes
 */
export function setState(changes) {
  const names = /** @type {(keyof State)[]} */ (Object.keys(changes));
  const changedNames = names.filter((name) => state[name] !== changes[name]);
  Object.assign(state, changes);
  for (const { names, listener } of listeners) {
    if (names.some((name) => changedNames.includes(name))) listener();
  }
}

/**
 * Call a listener after each change of one of the named properties.
 * @param {(keyof State)[]} names @param {() => void} listener
 */
export const onChange = (names, listener) => listeners.push({ names, listener });

/** Return whether a row passes the filters and its category is visible. @param {number} row */
export const isShown = (row) =>
  (!state.passing || state.passing[row] === 1) &&
  !(state.colors.categories && state.hiddenCategories.has(state.colors.values[row]));

/** Return the shown rows with a 1 in a mask, in ascending order. @param {Uint8Array | null} mask */
export const rowsOf = (mask) => (mask ? [...mask.keys()].filter((i) => mask[i] && isShown(i)) : []);

/**
 * Return a function that runs an asynchronous task for its newest argument. An argument that arrives
 * while the task runs replaces one that waits, because the pointer moves faster than the model
 * decodes. Errors are shown as notices.
 * @template T
 * @param {(argument: T) => Promise<void>} task @returns {(argument: T) => Promise<void>}
 */
export function latestOnly(task) {
  let isRunning = false;
  /** @type {T[]} */
  let waiting = [];
  return async (argument) => {
    waiting = [argument];
    if (isRunning) return;
    isRunning = true;
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      await task(next).catch(showError);
    }
    isRunning = false;
  };
}
