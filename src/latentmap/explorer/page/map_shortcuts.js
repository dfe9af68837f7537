/*
 * Shortcuts of the map, and the zoom buttons. Arrow keys move the map and decode its centre, which a
 * cross marks.
 */

import { byId, closeNotice } from "./dom.js";
import { hasDecodedValues } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { rowsOf, setState, state } from "./state.js";
import { rowAt } from "./tools.js";

/** @import { Tool } from "./types.js" */
/** @import { Points } from "./points.js" */
/** @import { View } from "./view.js" */

const ARROW_STEP = 60; // Movement of the map, in CSS pixels.
const ZOOM_STEP = 1.6;

/** @type {Record<Tool, string>} */
const TOOL_TITLES = {
  move: "Move the map",
  lasso: "Select with a lasso",
  box: "Select with a box",
  interpolate: "Interpolate between two points",
};

/** @type {Object<string, [string, number, number]>} */
const ARROWS = {
  ArrowLeft: ["left", -1, 0], ArrowRight: ["right", 1, 0], ArrowUp: ["up", 0, -1], ArrowDown: ["down", 0, 1],
};

/** Register the shortcuts of the map and install the zoom buttons. @param {View} view @param {Points} points */
export function installMapShortcuts(view, points) {
  const zoom = (/** @type {number} */ factor) => view.animateZoom(view.width / 2, view.height / 2, factor);
  const zoomIn = () => zoom(ZOOM_STEP);
  const zoomOut = () => zoom(1 / ZOOM_STEP);
  const zoomAll = () => view.animateToWhole();
  for (const tool of /** @type {Tool[]} */ (Object.keys(TOOL_TITLES))) {
    if (tool === "interpolate" && !hasDecodedValues) continue;
    addShortcut(tool[0], TOOL_TITLES[tool], () => setState({ tool }));
  }
  addShortcut(["+", "="], "Zoom in", zoomIn);
  addShortcut("-", "Zoom out", zoomOut);
  addShortcut("0", "Show the whole map", zoomAll);
  addShortcut("z", "Zoom to the selected rows, or to those that the search finds", () => zoomToRows(view, points));
  for (const [key, [title, right, down]] of Object.entries(ARROWS)) {
    addShortcut(key, `Move ${title} and decode the centre`, () => {
      view.pan(-right * ARROW_STEP, -down * ARROW_STEP);
      const middle = { left: view.width / 2, top: view.height / 2 };
      setState({ position: [view.x, view.y], hoveredRow: rowAt(view, points, middle), cursor: "cross" });
    });
  }
  addShortcut("Enter", "Pick the row or the position in the centre, and show similar rows", () => {
    const { hoveredRow, position } = state;
    setState({ pickedRow: hoveredRow, pickedPoint: hoveredRow < 0 ? position : null });
  });
  addShortcut("t", "Switch between light and dark", () => byId("theme").click());
  addShortcut("Escape", "Remove selection, search, filters, path and your rows", clearAll);

  byId("zoom-in").onclick = zoomIn;
  byId("zoom-out").onclick = zoomOut;
  byId("zoom-all").onclick = zoomAll;
}

/** Show the selected rows, or those that the search finds. @param {View} view @param {Points} points */
export function zoomToRows(view, points) {
  const rows = rowsOf(state.selection ?? state.matches);
  if (rows.length > 0) view.animateTo(view.viewportAround(points.boundsOf(rows)));
}

/** Remove the outline, the selection, the search, the filters, the path, and the picked and uploaded rows. */
function clearAll() {
  closeNotice();
  setState({
    tool: "move", outline: null, selection: null, query: "", filters: new Map(), path: [], pickedRow: -1, pickedPoint: null, upload: null,
  });
}
