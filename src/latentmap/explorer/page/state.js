/*
 * The state that parts of the page share. A part sets what it knows; parts that draw listen to the
 * properties they draw, so no part needs to know the others.
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
  hidden: new Set(),
  position: null,
  cursor: "mouse",
  hovered: -1,
  picked: -1,
  selected: null,
  outline: null,
  path: [],
  placed: null,
};

/** @type {{ names: (keyof State)[], listener: () => void }[]} */
const listeners = [];

/**
 * Change properties of the state and call each listener to a changed property once.
 * @param {Partial<State>} changes
 */
export function setState(changes) {
  const names = /** @type {(keyof State)[]} */ (Object.keys(changes));
  const changed = names.filter((name) => state[name] !== changes[name]);
  Object.assign(state, changes);
  for (const { names, listener } of listeners) {
    if (names.some((name) => changed.includes(name))) listener();
  }
}

/**
 * Call a listener after each change of one of the named properties.
 * @param {(keyof State)[]} names @param {() => void} listener
 */
export const onChange = (names, listener) => listeners.push({ names, listener });

/** Return whether the category of a row is shown. @param {number} row */
export const isShown = (row) =>
  !state.colors.categories || !state.hidden.has(state.colors.values[row]);

/**
 * Return a function that runs an asynchronous task for its newest argument. A pointer moves faster
 * than a model decodes: while a task runs, only the newest argument waits. Errors become notices.
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
