/*
 * Main module: creates the parts of the page and loads the first data.
 */

import { installAddress } from "./address.js";
import { SHOWN_COLUMNS, installColumnToggle } from "./column_lines.js";
import { byId, showError } from "./dom.js";
import { installFilters } from "./filters.js";
import { formatCount, formatWhole } from "./format.js";
import { installInterpolation } from "./interpolation.js";
import { installLegend, installTheme } from "./legend.js";
import { installMap } from "./map.js";
import { installMapShortcuts, zoomToRows } from "./map_shortcuts.js";
import { installNeighborhood } from "./neighborhood.js";
import { loadEncoder } from "./new_rows.js";
import { installDecodedRow, installLens, installRowDetails, installSimilarRows } from "./panel.js";
import { installPointer } from "./pointer.js";
import { Points } from "./points.js";
import { installRowTable } from "./row_table.js";
import { installSavedSelections } from "./saved_selections.js";
import { columns, hasDecodedValues, imageSize, isExported, loadRowNames, loadRowNumbers, scene } from "./scene.js";
import { installSearch } from "./search_field.js";
import { installSelection, selectedRows } from "./selection.js";
import { installShortcuts } from "./shortcuts.js";
import { FileSource, ServerSource } from "./sources.js";
import { onChange, setState, state } from "./state.js";
import { createTools, installToolbar } from "./tools.js";
import { installTooltip } from "./tooltip.js";
import { installDrawing, installFileUpload, installPlacedRows } from "./upload.js";
import { View } from "./view.js";

/** @import { Source } from "./types.js" */

/** Show the name of the data set, the numbers of rows, and the model. */
function showTitle() {
  const rows = formatCount(scene.total, "row");
  const facts = [scene.total > scene.n ? `a sample of ${formatWhole(scene.n)} of ${rows}` : rows, scene.model];
  if (scene.n_components > 2) {
    const share = Math.round(100 * scene.explained_variance);
    facts.push(`first two principal components of ${scene.n_components} (${share} % of the variance)`);
  }
  document.title = `${scene.dataset} · latentmap`;
  byId("title").textContent = scene.dataset;
  byId("subtitle").textContent = facts.join(" · ");
  byId("subtitle").title = scene.title;
}

/** Install all parts of the page. @param {Source} source */
async function start(source) {
  document.body.classList.add(scene.row.kind);
  document.body.classList.toggle("no-decoded-values", !hasDecodedValues);
  document.body.style.setProperty("--lines", String(SHOWN_COLUMNS));
  showTitle();
  installTheme();
  installToolbar();
  await loadRowNumbers(source);
  loadRowNames(source).catch(showError);
  const points = new Points(await source.buffer("points"));
  const view = new View(scene.bounds);
  const resizeMap = installMap(byId("map"), source, view, points);
  const goTo = (/** @type {number} */ row) => {
    setState({ pickedRow: row, hoveredRow: -1 });
    view.bringIntoView(...points.positionOf(row));
  };
  installLens(view);
  installTooltip(source, view, points);
  installDecodedRow(source);
  installRowDetails(source);
  installSimilarRows(source, goTo);
  installNeighborhood(source, points);
  if (hasDecodedValues) installInterpolation(source);
  installSelection(source, goTo, { zoom: () => zoomToRows(view, points), keep: installSavedSelections() });
  installSearch(source, goTo);
  installFilters(source);
  installRowTable(source, view, points, goTo, resizeMap);
  if (!imageSize && columns.length > 0) for (const id of ["decoded", "row", "upload"]) installColumnToggle(byId(id));
  const placeFile = installPlacedRows(source, goTo);
  installFileUpload(placeFile);
  installDrawing(source, placeFile);
  const restoreState = installAddress(view);
  await installLegend(source);
  resizeMap(); // The legend has entries now, so its width may have changed.
  installPointer(byId("overlay"), view, points, createTools(view, points));
  installMapShortcuts(view, points);
  installShortcuts();
  onChange(["upload"], () => {
    if (state.upload) view.bringIntoView(...state.upload.rows[state.upload.current].point);
  });
  restoreState();
  Object.assign(window, { // Scripts in the console and tests use these functions.
    latentmap: Object.freeze({
      toScreen: (/** @type {number} */ x, /** @type {number} */ y) => view.toScreen(x, y),
      positionOf: (/** @type {number} */ row) => points.positionOf(row),
      selectedRows,
      goTo,
      placeFile: async (/** @type {File} */ file) => (await source.place(file.name, file)).rows,
      placeRow: async (/** @type {number[]} */ numbers) => (await loadEncoder(source))(Float32Array.from(numbers)),
    }),
  });
  document.body.dataset.state = "ready";
  await source.prepare?.();
  if (scene.encoder) await loadEncoder(source);
}

start(isExported ? new FileSource() : new ServerSource()).catch(showError);
