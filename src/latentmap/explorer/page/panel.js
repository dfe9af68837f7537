/*
 * The panel: the decoded row at the pointer, the details of a row, and its most similar rows.
 */

import { byId, createElement, find, hasTouchScreen } from "./dom.js";
import { MISSING, categoryTitle, columnTitle, formatNumber, formatValue, formatWhole } from "./format.js";
import { formatInRange, scaleTitle } from "./legend.js";
import { comparisonElement, decodedElement, factsElement, rowButtons, scoreFacts } from "./rows.js";
import { columns, hasDecodedValues, hasLabels, imageSize, isExported, scene, valueOf } from "./scene.js";
import { latestOnly, onChange, state } from "./state.js";

/** @import { GoToRow, Point, Row, RowDetails, Source, TableRow } from "./types.js" */
/** @import { View } from "./view.js" */

const LENS_GAP = 18; // Distance of the pointer and the lens, in CSS pixels.

/** Show the decoded row at the pointer. @param {Source} source */
export function installDecodedRow(source) {
  const section = byId("decoded");
  const hint = find(section, ".empty");

  /** @param {Point} position @param {Row} row @param {number} density */
  function show(position, row, density) {
    hint.hidden = true;
    find(section, ".summary").hidden = false;
    find(section, ".row").replaceChildren(decodedElement(row, density));
    if (imageSize) byId("lens").replaceChildren(decodedElement(row, density));
    find(section, ".density").textContent = describeDensity(density);
    find(section, ".meter i").style.width = `${Math.round(100 * density)}%`;
    find(section, ".position").textContent = formatPosition(position);
    document.body.dataset.decoded = position.join(" ");
  }

  const decode = latestOnly(async (/** @type {Point} */ position) => {
    const { densities, rows } = await source.decode([position]);
    show(position, rows[0], densities[0]);
  });

  if (!hasDecodedValues) find(section, "h2").textContent = "Density at the pointer";
  const aim = hasDecodedValues ? "the row decoded at that point" : "how dense the rows are there";
  hint.textContent = hasTouchScreen
    ? `Slide a finger over the map to see ${aim}. Two fingers move and zoom.`
    : `Move the pointer over the map to see ${aim}.`;
  onChange(["position"], () => {
    if (state.position) decode(state.position);
  });
}

/** @param {number} density  0–1 */
function describeDensity(density) {
  if (density < 0.004) return "no data here";
  if (density < 0.05) return "very sparse";
  return density < 0.3 ? "sparse" : "dense";
}

/** Format a map position. @param {Point} position */
export function formatPosition(position) {
  const spread = (scene.bounds[2] - scene.bounds[0]) / 10;
  const axes = scene.n_components === 1 ? position.slice(0, 1) : position;
  return axes.map((value) => formatNumber(value, spread)).join(", ");
}

/** Show decoded images in a small lens next to the pointer. @param {View} view */
export function installLens(view) {
  if (!imageSize) return;
  const lens = byId("lens");
  const enlargement = (hasTouchScreen ? 96 : 84) / Math.max(imageSize.height, imageSize.width);
  const [width, height] = [imageSize.width * enlargement, imageSize.height * enlargement];
  Object.assign(lens.style, { width: `${width}px`, height: `${height}px` });
  onChange(["position", "cursor"], () => {
    lens.hidden = !state.position || state.cursor === "cross";
    if (state.position) {
      const [x, y] = lensPosition(view, state.position, width, height);
      lens.style.transform = `translate(${x}px, ${y}px)`;
    }
  });
}

/**
 * Return the top left corner of the lens: to the right of and below a mouse pointer, on its other
 * side near an edge of the window, and above a finger.
 * @param {View} view @param {Point} position @param {number} width @param {number} height
 */
function lensPosition(view, position, width, height) {
  const [left, top] = view.toScreen(...position);
  const isFinger = state.cursor === "finger";
  const fitsRight = left + LENS_GAP + width < view.width;
  const fitsBelow = !isFinger && top + LENS_GAP + height < view.height;
  const xBesidePointer = fitsRight ? left + LENS_GAP : left - LENS_GAP - width;
  const x = isFinger ? left - width / 2 : xBesidePointer;
  const y = fitsBelow ? top + LENS_GAP : top - (isFinger ? 48 : LENS_GAP) - height;
  const clamp = (/** @type {number} */ value, /** @type {number} */ limit) =>
    Math.round(Math.max(4, Math.min(limit - 4, value)));
  return [clamp(x, view.width - width), clamp(y, view.height - height)];
}

/** Show the details of the row at the pointer, or of the picked row. @param {Source} source */
export function installRowDetails(source) {
  const section = byId("row");
  const heading = find(section, "h2");
  const body = find(section, ".body");
  const currentRow = () => (state.hoveredRow >= 0 ? state.hoveredRow : state.pickedRow);

  const load = latestOnly(async (/** @type {number} */ i) => {
    const details = await source.details(i);
    if (i === currentRow()) show(i, details);
  });

  /** @param {number} i @param {RowDetails} details */
  function show(i, details) {
    heading.replaceChildren(`Row ${formatWhole(details.number)}`);
    if (details.name) heading.append(createElement("span", { className: "quiet" }, details.name));
    body.replaceChildren(
      comparisonElement(details.original, details.reconstruction),
      factsElement([...metadataFacts(details.metadata), ["label", details.label ?? (hasLabels ? MISSING : null)], ...colorFacts(i), ...scoreFacts(details)]),
    );
    section.dataset.row = String(i);
  }

  function showEmpty() {
    heading.textContent = "Row";
    body.replaceChildren(createElement("p", { className: "empty" },
      `Point at a row to ${hasDecodedValues ? "compare it with its reconstruction" : "read it"}. Click a row to find similar rows.`));
    delete section.dataset.row;
  }

  const refresh = () => (currentRow() >= 0 ? load(currentRow()) : showEmpty());
  onChange(["hoveredRow", "pickedRow", "colors"], refresh);
  refresh();
}

/** Return the values of the columns beside an image. @param {TableRow} [values] @returns {[string, unknown][]} */
const metadataFacts = (values = []) =>
  values.map((value, j) => [columnTitle(columns[j]), value === null ? null : formatValue(value, columns[j])]);

/**
 * Return the value on the current colour scale, unless another part of the panel shows it.
 * @param {number} i @returns {[string, unknown][]}
 */
export function colorFacts(i) {
  const { colors } = state;
  if (colors.column !== undefined || ["", "label", "confidence", "error"].includes(colors.name)) return [];
  const value = valueOf(colors, i) ?? MISSING;
  return [[scaleTitle(colors), typeof value === "number" ? formatInRange(value, colors) : categoryTitle(value)]];
}

/** Show the rows most similar to the picked row. @param {Source} source @param {GoToRow} goTo */
export function installSimilarRows(source, goTo) {
  const section = byId("similar");
  const load = latestOnly(async (/** @type {number} */ i) => {
    const { rows, distances } = await source.similar(i);
    const buttons = await rowButtons(source, rows, distances, goTo);
    if (i !== state.pickedRow) return;
    find(section, ".body").replaceChildren(buttons);
    section.hidden = false;
  });
  if (isExported && scene.n_components > 2) {
    // An exported file contains no codes, so distances on the map are used.
    find(section, "h2").textContent = "Nearest on the map";
  }
  onChange(["pickedRow"], () => {
    if (state.pickedRow >= 0) load(state.pickedRow);
    else section.hidden = true;
  });
}
