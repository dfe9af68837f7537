/*
 * The state of the page in its address, after `#`, which browsers do not send to a server: the view,
 * the colours, the hidden categories, the filters, the search, the picked row and the selection.
 */

import { MISSING, scene } from "./scene.js";
import { onChange, setState, state } from "./state.js";

/** @import { Filter, State } from "./types.js" */
/** @import { View } from "./view.js" */

const DELAY_MS = 250;
const MAX_SELECTION_LENGTH = 6000; // A longer selection is left out; browsers limit addresses.

/**
 * Encode the rows of a mask: the differences of successive rows in groups of seven bits, as base64.
 * @param {Uint8Array} mask
 */
export function encodeMask(mask) {
  const bytes = [];
  let previous = -1;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    let gap = i - previous - 1;
    for (; gap > 127; gap >>= 7) bytes.push((gap & 127) | 128);
    bytes.push(gap);
    previous = i;
  }
  const text = bytes.map((byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Return the mask of encoded rows; rows that the page does not have are left out.
 * @param {string} text
 */
export function decodeMask(text) {
  const mask = new Uint8Array(scene.n);
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  let [row, gap, shift] = [-1, 0, 0];
  for (let k = 0; k < bytes.length; k++) {
    const byte = bytes.charCodeAt(k);
    gap += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte & 128) continue;
    row += gap + 1;
    if (row < scene.n) mask[row] = 1;
    [gap, shift] = [0, 0];
  }
  return mask;
}

/** Return a filter as text: "3:100-200" or "3:0.2.5". @param {[number, Filter]} entry */
const filterText = ([scale, filter]) =>
  `${scale}:${"categories" in filter ? [...filter.categories].join(".") : `${filter.low}-${filter.high}`}`;

/** @param {string} text @returns {[number, Filter]} */
function parseFilter(text) {
  const [scale, values] = text.split(":");
  if (!values.includes("-")) return [Number(scale), { categories: new Set(values.split(".").map(Number)) }];
  const [low, high] = values.split("-").map(Number);
  return [Number(scale), { low, high }];
}

/** Return the state as text. @param {View} view */
function stateText(view) {
  const { colorScale, hiddenCategories, filters, query, pickedRow, selection, contours } = state;
  const selected = selection ? encodeMask(selection) : "";
  const parts = {
    view: view.isWhole ? "" : [view.x, view.y, view.zoom].map((value) => value.toPrecision(6)).join(","),
    color: colorScale ? String(colorScale) : "",
    hidden: [...hiddenCategories].join("."),
    filter: [...filters].map(filterText).join(","),
    search: query.trim(),
    row: pickedRow >= 0 ? String(pickedRow) : "",
    selected: selected.length <= MAX_SELECTION_LENGTH ? selected : "",
    contours: contours ? "1" : "",
  };
  return new URLSearchParams(Object.entries(parts).filter(([, value]) => value)).toString();
}

/** Return whether a number is an index below a limit. @param {number} index @param {number} limit */
const isIndex = (index, limit) => Number.isInteger(index) && index >= 0 && index < limit;

/** Return the state in the address; parts that the page does not have are left out. */
function parseAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const list = (/** @type {string} */ name, /** @type {string} */ separator) => (parts.get(name) ?? "").split(separator).filter(Boolean);
  const [colorScale, pickedRow] = [Number(parts.get("color") ?? 0), Number(parts.get("row") ?? -1)];
  const filters = list("filter", ",").map(parseFilter).filter(([scale]) => isIndex(scale, scene.color_scales.length));
  const selection = parts.get("selected") ? decodeMask(String(parts.get("selected"))) : null;
  return {
    colorScale: isIndex(colorScale, scene.color_scales.length) ? colorScale : 0,
    hidden: list("hidden", ".").map(Number).filter((category) => isIndex(category, MISSING + 1)),
    view: list("view", ",").map(Number),
    later: /** @type {Partial<State>} */ ({
      filters: new Map(filters),
      query: parts.get("search") ?? "",
      pickedRow: isIndex(pickedRow, scene.n) ? pickedRow : -1,
      selection: selection?.includes(1) ? selection : null,
      contours: parts.get("contours") === "1",
    }),
  };
}

/**
 * Restore the colour scale from the address. Return a function that restores the rest when all parts
 * of the page are installed, and then keeps the address up to date.
 * @param {View} view
 */
export function installAddress(view) {
  let address;
  try {
    address = parseAddress();
  } catch { // An incomplete address cannot be decoded.
    address = null;
  }
  if (address) setState({ colorScale: address.colorScale });
  let timer = 0;
  const write = () => {
    if (location.protocol === "about:") return; // The frame of a notebook has no address.
    history.replaceState(null, "", `${location.search}#${stateText(view)}`);
  };
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(write, DELAY_MS);
  };
  return () => {
    if (address) {
      setState({ ...address.later, hiddenCategories: new Set(address.hidden) });
      const [x, y, zoom] = address.view;
      if ([x, y, zoom].every(Number.isFinite) && zoom > 0) view.move({ x, y, scale: zoom * view.fullViewport().scale });
    }
    if (location.protocol === "about:") return; // The frame of a notebook has no address of its own.
    view.onChange(schedule);
    onChange(["colors", "hiddenCategories", "filters", "query", "pickedRow", "selection", "contours"], schedule);
  };
}
