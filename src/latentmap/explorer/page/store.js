/*
 * What the page's parts share: one small store. A part sets what it knows; the parts that draw
 * listen to the names they draw. So no part has to know who else looks at its result.
 */

class Store {
  #values;
  #listeners = [];

  constructor(values) {
    this.#values = values;
  }

  get(name) {
    return this.#values[name];
  }

  /** Take changes ({name: value}) and call each listener once that listens to one of them. */
  set(changes) {
    const changed = Object.keys(changes).filter((name) => this.#values[name] !== changes[name]);
    if (changed.length === 0) return;
    Object.assign(this.#values, changes);
    for (const { names, listener } of this.#listeners) {
      if (names.some((name) => changed.includes(name))) listener();
    }
  }

  on(names, listener) {
    this.#listeners.push({ names, listener });
  }
}

/**
 * @typedef {Object} State
 * @property {"light"|"dark"} theme
 * @property {"move"|"lasso"|"box"|"walk"} tool
 * @property {number} colouring  which of scene.colourings is shown
 * @property {?Colours} colours  its values, once they are there
 * @property {Set<number>} hidden  categories that are not shown
 * @property {?number[]} spot  the spot that is read, [x, y] in the plane
 * @property {"mouse"|"finger"|"cross"} reader  what points at the spot; a cross, where nothing else does
 * @property {number} hovered  row under the spot, -1 for none
 * @property {number} picked  row that was clicked, -1 for none
 * @property {?Uint8Array} selected  1 for each selected row
 * @property {?number[][]} drawn  outline of the lasso or box being drawn, plane coordinates
 * @property {number[][]} walk  its ends: none, one or two spots
 * @property {?Placed} placed  rows that the user brought
 */
const state = new Store({
  theme: "light",
  tool: "move",
  colouring: 0,
  colours: null,
  hidden: new Set(),
  spot: null,
  reader: "mouse",
  hovered: -1,
  picked: -1,
  selected: null,
  drawn: null,
  walk: [],
  placed: null,
});
