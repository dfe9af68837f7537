/*
 * The state that parts of the page share. A part sets what it knows; parts that draw listen to the
 * properties they draw, so no part needs to know the others.
 */

import { showError } from "./dom.js";
import { MISSING, scene } from "./scene.js";

/** @import { Colours, Placement, Point } from "./scene.js" */

/**
 * @typedef {"light" | "dark"} Theme
 * @typedef {"move" | "lasso" | "box" | "interpolate"} Tool
 *
 * @typedef {Object} State
 * @property {Theme} theme
 * @property {Tool} tool
 * @property {number} colouring  index in scene.colourings
 * @property {Colours} colours  values of the colouring that is shown
 * @property {Colours | null} labels  values of the labels, once they were shown
 * @property {Set<number>} hidden  categories that are not drawn
 * @property {Point | null} position  the map position that is decoded
 * @property {"mouse" | "finger" | "cross"} cursor  what marks the position; a cross if no pointer does
 * @property {number} hovered  the row at the position, -1 for none
 * @property {number} picked  the row that was clicked, -1 for none
 * @property {Uint8Array | null} selected  1 for each selected row
 * @property {Point[] | null} outline  the lasso or box being drawn
 * @property {Point[]} path  ends of the interpolation: none, one or two points
 * @property {(Placement & { title: string, current: number }) | null} placed  rows of the user
 */

/** @type {State} */
export const state = {
  theme: "light",
  tool: "move",
  colouring: 0,
  colours: { name: "", kind: "number", low: 0, high: 1, codes: new Uint16Array(scene.n).fill(MISSING) },
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

/** Change properties of the state and call each listener to a changed property once. @param {Partial<State>} changes */
export function setState(changes) {
  const names = /** @type {(keyof State)[]} */ (Object.keys(changes));
  const changed = names.filter((name) => state[name] !== changes[name]);
  Object.assign(state, changes);
  for (const { names, listener } of listeners) {
    if (names.some((name) => changed.includes(name))) listener();
  }
}

/** Call a listener after each change of one of the named properties. @param {(keyof State)[]} names @param {() => void} listener */
export const onChange = (names, listener) => listeners.push({ names, listener });

/** Return whether the category of a row is shown. @param {number} row */
export const isShown = (row) =>
  state.colours.kind === "number" || !state.hidden.has(state.colours.codes[row]);

/**
 * Return a function that runs an asynchronous task for its newest argument. A pointer moves faster
 * than a model decodes: while a task runs, only the newest argument waits. Errors become notices.
 * @template T
 * @param {(argument: T) => Promise<void>} task
 * @returns {(argument: T) => Promise<void>}
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
