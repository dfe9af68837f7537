/*
 * Tools of the map: each tool starts a gesture where a pointer is pressed. The tools move the map,
 * select rows with a lasso or a box, and interpolate between two points.
 */

import { byId, find, hasTouchScreen } from "./dom.js";
import { hasDecodedValues } from "./scene.js";
import { selectInside } from "./selection.js";
import { onChange, setState, state } from "./state.js";

/** @import { Gesture, Point, Press, StartGesture, Tool } from "./types.js" */
/** @import { Points } from "./points.js" */
/** @import { View } from "./view.js" */

const POINT_REACH = 7; // Maximum distance of the pointer from the point that it selects, in CSS pixels.
const PATH_END_REACH = 14; // Maximum distance of the pointer from an end of the path that it moves.

const ADD_HINT = hasTouchScreen ? "" : " Hold Shift to add to the selection.";

/** @type {Object<Tool, string>} */
const TOOL_HINTS = {
  move: "",
  lasso: `Draw around rows to select them.${ADD_HINT}`,
  box: `Draw a box around rows to select them.${ADD_HINT}`,
  interpolate: "Click two points to see the rows decoded between them.",
};

/**
 * Return the function that starts a gesture of the current tool.
 * @param {View} view @param {Points} points @returns {StartGesture}
 */
export function createTools(view, points) {
  const positionAt = (/** @type {Press} */ { left, top }) => view.toMap(left, top);

  /** @type {StartGesture} */
  function move(press) {
    let last = press;
    return {
      drag(now) {
        view.pan(now.left - last.left, now.top - last.top);
        last = now;
      },
      end(now, isClick) {
        if (!isClick) return;
        const pickedRow = rowAt(view, points, now);
        setState({ pickedRow, pickedPoint: pickedRow < 0 ? positionAt(now) : null });
      },
    };
  }

  /** @param {(path: Point[]) => Point[]} outlineOf @returns {StartGesture} */
  const select = (outlineOf) => (press) => {
    const path = [positionAt(press)];
    return {
      drag(now) {
        path.push(positionAt(now));
        setState({ outline: outlineOf(path) });
      },
      end(now, isClick) {
        setState({ outline: null });
        if (!isClick) selectInside(outlineOf(path), points, now.adds);
        else if (!now.adds) setState({ selection: null });
      },
    };
  };

  /**
   * A drag sets both ends of the path. Two clicks set one end each.
   * @type {StartGesture}
   */
  function interpolate(press) {
    const isSecondEnd = state.path.length === 1;
    const start = isSecondEnd ? state.path[0] : positionAt(press);
    setState({ path: isSecondEnd ? [start, positionAt(press)] : [start] });
    return {
      drag: (now) => setState({ path: [start, positionAt(now)] }),
      end(_, isClick) {
        if (isClick && !isSecondEnd) setState({ path: [start] });
      },
    };
  }

  /** @param {number} index @returns {Gesture} */
  const movePathEnd = (index) => ({
    drag: (now) => setState({ path: state.path.with(index, positionAt(now)) }),
    end() {},
  });

  /** Return the index of the end of the path at a pixel, or -1. @param {Press} press */
  function pathEndAt({ left, top }) {
    if (state.path.length < 2) return -1;
    return state.path.findIndex((end) => {
      const [x, y] = view.toScreen(...end);
      return Math.hypot(x - left, y - top) < PATH_END_REACH;
    });
  }

  const tools = { move, interpolate, lasso: select((path) => [...path]), box: select(boxOf) };
  return (press) => {
    const end = pathEndAt(press);
    return end >= 0 ? movePathEnd(end) : tools[state.tool](press);
  };
}

/**
 * Return the corners of the box between the ends of a path.
 * @param {Point[]} path @returns {Point[]}
 */
function boxOf(path) {
  const [[x0, y0], [x1, y1]] = [path[0], path[path.length - 1]];
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/**
 * Return the nearest row at a pixel, or -1. Rows of hidden categories are skipped.
 * @param {View} view @param {Points} points @param {{ left: number, top: number }} pixel
 */
export const rowAt = (view, points, { left, top }) =>
  points.nearest(view.toMap(left, top), POINT_REACH / view.scale);

/** Install the buttons of the toolbar. */
export function installToolbar() {
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-tool]")]);
  find(document, "button[data-tool=interpolate]").hidden = !hasDecodedValues;
  for (const button of buttons) button.onclick = () => setState({ tool: /** @type {Tool} */ (button.dataset.tool) });
  const showTool = () => {
    const { tool, path } = state;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    byId("map").dataset.tool = tool;
    byId("hint").textContent = TOOL_HINTS[tool];
    byId("hint").hidden = !TOOL_HINTS[tool] || path.length === 2;
  };
  onChange(["tool", "path"], showTool);
  showTool();
}
