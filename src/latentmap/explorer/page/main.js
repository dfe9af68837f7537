/*
 * The start of the page: creates its parts and loads the first colours.
 */

import { installLegend, installTheme } from "./colors.js";
import { byId, showError } from "./dom.js";
import { formatCount, formatWhole } from "./format.js";
import { createTools, installKeyboard, installPointer, installToolbar } from "./interaction.js";
import { installInterpolation } from "./interpolation.js";
import { installMap } from "./map.js";
import { installDecodedRow, installLens, installRowDetails, installSimilarRows } from "./panel.js";
import { Points } from "./points.js";
import { MAX_BARS } from "./rows.js";
import { columns, isExported, loadRowNumbers, scene } from "./scene.js";
import { installSelection, selectedRows } from "./selection.js";
import { FileSource, ServerSource } from "./sources.js";
import { onChange, setState, state } from "./state.js";
import { installDrawing, installFileUpload, installPlacedRows } from "./upload.js";
import { View } from "./view.js";

/** @import { Source } from "./types.js" */

/** Write the name of the data set, the number of rows, and the size of the sample if one is shown. */
function writeTitle() {
  const rows = formatCount(scene.total, "row");
  const facts = [scene.total > scene.n ? `${formatWhole(scene.n)} of ${rows}` : rows, scene.model];
  if (scene.n_components > 2) {
    const share = Math.round(100 * scene.explained_variance);
    facts.push(`first two principal components of ${scene.n_components} (${share} % of the variance)`);
  }
  document.title = `${scene.dataset} · latentmap`;
  byId("title").textContent = scene.dataset;
  byId("subtitle").textContent = facts.join(" · ");
  byId("subtitle").title = scene.title;
}

/** @param {Source} source */
async function start(source) {
  document.body.classList.add(scene.row.kind);
  document.body.style.setProperty("--bars", String(Math.min(MAX_BARS, columns.length)));
  writeTitle();
  installTheme();
  installToolbar();
  await loadRowNumbers(source);
  const points = new Points(await source.buffer("points"));
  const view = new View(scene.bounds);
  const resizeMap = installMap(byId("map"), view, points);
  const goTo = (/** @type {number} */ row) => {
    setState({ picked: row, hovered: -1 });
    view.bringIntoView(...points.positionOf(row));
  };
  installLens(view);
  installDecodedRow(source);
  installRowDetails(source);
  installSimilarRows(source, goTo);
  installInterpolation(source);
  installSelection(source, goTo);
  const placeFile = installPlacedRows(source, goTo);
  installFileUpload(placeFile);
  installDrawing(placeFile);
  await installLegend(source);
  resizeMap(); // the legend may have changed its width
  installPointer(byId("overlay"), view, points, createTools(view, points));
  installKeyboard(view, points);
  onChange(["placed"], () => {
    if (state.placed) view.bringIntoView(...state.placed.rows[state.placed.current].point);
  });
  Object.assign(window, { // for scripts in the console, and for tests
    latentmap: Object.freeze({
      toScreen: (/** @type {number} */ x, /** @type {number} */ y) => view.toScreen(x, y),
      positionOf: (/** @type {number} */ row) => points.positionOf(row),
      selectedRows,
    }),
  });
  document.body.dataset.state = "ready";
  await source.prepare?.();
}

start(isExported ? new FileSource() : new ServerSource()).catch(showError);
