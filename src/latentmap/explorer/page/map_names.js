/*
 * Names on the map in two levels. The names of the first level are those of the categories by which
 * points are coloured, or those of areas if points are coloured by numbers or by a single category.
 * Zoomed in, the second level adds the names of the parts of areas. A name is left out if it would
 * cover another name.
 */

import { cssVariable, showError } from "./dom.js";
import { categoryTitle, shortenName } from "./format.js";
import { labelPositions } from "./points.js";
import { loadTexts } from "./scene.js";
import { onChange, state } from "./state.js";

/** @import { Points } from "./points.js" */
/** @import { Source } from "./types.js" */
/** @import { View } from "./view.js" */

/** @typedef {ReturnType<typeof labelPositions>} Names */
/** @typedef {{ size: number, weight: number, alpha: number, length: number }} NameStyle */

const PARTS_ZOOM = 2; // The zoom from which the parts of clusters have names.
const MANY_NAMES = 30;
/** @type {NameStyle} */
const AREA_STYLE = { size: 14, weight: 600, alpha: 1, length: 36 };
/** @type {NameStyle} */
const PART_STYLE = { size: 12, weight: 500, alpha: 0.85, length: 40 };

/**
 * Return the function that draws the names.
 * @param {Source} source @param {View} view @param {Points} points
 * @param {() => void} redraw  is called when names arrive
 */
export function createNames(source, view, points, redraw) {
  /** @type {Names} */
  let categoryNames = [];
  /** Names of areas and parts, undefined until they are requested. @type {{ [level: string]: Names }} */
  const regionNames = {};
  onChange(["colors"], () => { categoryNames = labelPositions(state.colors, points); });

  /** @param {"areas" | "parts"} level */
  async function load(level) {
    const categories = /** @type {string[]} */ (await loadTexts(source, `${level}-names`));
    const values = new Uint16Array(await source.buffer(level));
    regionNames[level] = labelPositions({ name: level, categories, values }, points);
    redraw();
  }

  /** Return the names of regions; none before they arrive. @param {"areas" | "parts"} level */
  function namesOf(level) {
    if (!regionNames[level]) {
      regionNames[level] = [];
      load(level).catch(showError);
    }
    return regionNames[level];
  }

  return (/** @type {CanvasRenderingContext2D} */ context) => {
    const { name, categories = [] } = state.colors;
    if (!name) return;
    const shown = categoryNames.filter(({ category }) => !state.hiddenCategories.has(category));
    /** @type {number[][]} */
    const boxes = [];
    drawNames(context, view, categories.length > 1 ? shown : namesOf("areas"), AREA_STYLE, boxes);
    if (view.zoom >= PARTS_ZOOM) drawNames(context, view, namesOf("parts"), PART_STYLE, boxes);
  };
}

/**
 * Draw the names that are in view and do not overlap a box, and add their boxes.
 * @param {CanvasRenderingContext2D} context @param {View} view @param {Names} names  the most important first
 * @param {NameStyle} style @param {number[][]} boxes  left, top, right, bottom
 */
function drawNames(context, view, names, { size, weight, alpha, length }, boxes) {
  Object.assign(context, {
    font: `${weight} ${size}px ${cssVariable("--font")}`,
    textAlign: "center",
    textBaseline: "middle",
    lineJoin: "round",
    lineWidth: 4,
    strokeStyle: cssVariable("--map"),
    fillStyle: cssVariable("--ink"),
  });
  const maxLength = names.length > MANY_NAMES ? Math.floor(length / 2) : length; // If there are many names, long names would cover others.
  for (const { text, position } of names) {
    const [left, top] = view.toScreen(...position);
    if (left < 0 || top < 0 || left > view.width || top > view.height) continue;
    const label = shortenName(categoryTitle(text), maxLength);
    const halfWidth = context.measureText(label).width / 2 + 4;
    const center = view.centerBetweenPanels(left, halfWidth);
    const box = [center - halfWidth, top - size * 0.7, center + halfWidth, top + size * 0.7];
    if (boxes.some((other) => overlap(box, other))) continue;
    boxes.push(box);
    context.strokeText(label, center, top);
    context.globalAlpha = alpha;
    context.fillText(label, center, top);
    context.globalAlpha = 1;
  }
}

/**
 * Return whether two boxes [left, top, right, bottom] overlap.
 * @param {number[]} a @param {number[]} b
 */
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
