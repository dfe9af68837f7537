/*
 * Mouse, pen, fingers, keyboard and toolbar. Moving the mouse decodes the position below it, and
 * dragging uses the selected tool. A finger cannot hover: with the tool "move", one finger decodes,
 * and two fingers move and zoom the map. Arrow keys move the map and decode its centre, which a cross
 * marks.
 */

import { byId, closeNotice } from "./dom.js";
import { selectInside } from "./selection.js";
import { addShortcut } from "./shortcuts.js";
import { onChange, rowsOf, setState, state } from "./state.js";

/** @import { Gesture, Point, Press, StartGesture, Tool } from "./types.js" */
/** @import { Points } from "./points.js" */
/** @import { View } from "./view.js" */

const POINT_REACH = 7; // Maximum distance of the pointer from the point that it selects, in CSS pixels.
const PATH_END_REACH = 14; // Maximum distance of the pointer from an end of the path that it moves.
const CLICK_REACH = 5; // Maximum movement of the pointer during a click.
const ARROW_STEP = 60;
const ZOOM_STEP = 1.6;

/** @type {Object<Tool, string>} */
const TOOL_HINTS = {
  move: "",
  lasso: "Draw around rows to select them. Hold Shift to add to the selection.",
  box: "Draw a box around rows to select them. Hold Shift to add to the selection.",
  interpolate: "Click two points to see the rows decoded between them.",
};

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
        if (isClick) setState({ pickedRow: rowAt(view, points, now) });
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
const rowAt = (view, points, { left, top }) =>
  points.nearest(view.toMap(left, top), POINT_REACH / view.scale);

/** Install the buttons of the toolbar. */
export function installToolbar() {
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-tool]")]);
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

/**
 * Install the listeners for mouse, pen and fingers.
 * @param {HTMLElement} surface @param {View} view @param {Points} points
 * @param {StartGesture} startGesture
 */
export function installPointer(surface, view, points, startGesture) {
  /** @type {Map<number, Press>} */
  const presses = new Map();
  /** @type {Gesture | null} */
  let gesture = null;
  /** @type {Press} */
  let firstPress;
  let isClick = true; // A lasso that ends where it started is not a click, because the pointer moved.

  /** @param {MouseEvent} event @returns {Press} */
  function pressOf(event) {
    const frame = surface.getBoundingClientRect();
    return { left: event.clientX - frame.left, top: event.clientY - frame.top, adds: event.shiftKey };
  }

  /** @param {MouseEvent} event @param {"mouse" | "finger"} cursor */
  function decodeAt(event, cursor) {
    const press = pressOf(event);
    setState({
      position: view.toMap(press.left, press.top),
      hoveredRow: rowAt(view, points, press),
      cursor,
    });
  }

  surface.onpointerdown = (event) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    byId("map").focus({ preventScroll: true });
    presses.set(event.pointerId, pressOf(event));
    if (presses.size > 1) {
      gesture = null;
      setState({ outline: null });
      return;
    }
    firstPress = pressOf(event);
    isClick = true;
    gesture = startGesture(firstPress);
    if (event.pointerType === "touch") decodeAt(event, "finger");
  };

  surface.onpointermove = (event) => {
    const isFinger = event.pointerType === "touch";
    const previous = presses.get(event.pointerId);
    if (!previous) {
      if (!isFinger) decodeAt(event, "mouse");
      return;
    }
    const now = pressOf(event);
    isClick &&= Math.hypot(firstPress.left - now.left, firstPress.top - now.top) < CLICK_REACH;
    presses.set(event.pointerId, now);
    if (presses.size === 2) {
      const [other] = [...presses.keys()].filter((id) => id !== event.pointerId);
      pinch(view, previous, now, /** @type {Press} */ (presses.get(other)));
    } else if (isFinger && state.tool === "move") {
      decodeAt(event, "finger");
    } else if (gesture && !isClick) {
      gesture.drag(now);
      if (state.outline) setState({ position: null, hoveredRow: -1 });
      else decodeAt(event, isFinger ? "finger" : "mouse");
    }
  };

  surface.onpointerup = (event) => {
    if (event.pointerType === "touch") setState({ cursor: "cross" });
    if (!presses.delete(event.pointerId)) return;
    gesture?.end(pressOf(event), isClick);
    gesture = null;
  };
  surface.onpointercancel = (event) => {
    presses.delete(event.pointerId);
    gesture = null;
    setState({ outline: null });
  };
  surface.onpointerleave = (event) => {
    if (event.pointerType !== "touch") setState({ position: null, hoveredRow: -1 });
  };

  surface.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top } = pressOf(event);
    view.zoomAt(left, top, wheelFactor(event));
    decodeAt(event, "mouse");
  }, { passive: false });

  surface.ondblclick = (event) => {
    const { left, top } = pressOf(event);
    if (state.tool === "move") view.animateZoom(left, top, event.shiftKey ? 0.5 : 2);
  };
}

/**
 * Return the zoom factor of a wheel event. Browsers report a mouse wheel in lines or in hundreds of
 * pixels, and a pinch on a touchpad as single pixels with the Ctrl key.
 * @param {WheelEvent} event
 */
function wheelFactor({ deltaY, deltaMode, ctrlKey }) {
  const pixels = deltaMode === 1 ? deltaY * 16 : deltaY;
  return Math.exp(-Math.max(-240, Math.min(240, pixels)) * (ctrlKey ? 0.01 : 0.0018));
}

/**
 * Move and zoom the map with two fingers, so that the point below each finger stays below it.
 * @param {View} view @param {Press} previous @param {Press} now @param {Press} other  press of the other finger
 */
function pinch(view, previous, now, other) {
  const distance = (/** @type {Press} */ { left, top }) =>
    Math.max(10, Math.hypot(left - other.left, top - other.top));
  view.pan((now.left - previous.left) / 2, (now.top - previous.top) / 2);
  view.zoomAt((now.left + other.left) / 2, (now.top + other.top) / 2, distance(now) / distance(previous));
}

/** Register the shortcuts of the map and install the zoom buttons. @param {View} view @param {Points} points */
export function installKeyboard(view, points) {
  const zoom = (/** @type {number} */ factor) => view.animateZoom(view.width / 2, view.height / 2, factor);
  const zoomIn = () => zoom(ZOOM_STEP);
  const zoomOut = () => zoom(1 / ZOOM_STEP);
  const zoomAll = () => view.animateToWhole();
  for (const tool of /** @type {Tool[]} */ (Object.keys(TOOL_TITLES))) {
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
  addShortcut("Enter", "Pick the row in the centre, and show similar rows", () => {
    if (state.hoveredRow >= 0) setState({ pickedRow: state.hoveredRow });
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
  if (rows.length > 0) view.animateTo(view.around(points.boundsOf(rows)));
}

/** Remove the outline, the selection, the search, the filters, the path, and the picked and uploaded rows. */
function clearAll() {
  closeNotice();
  setState({
    tool: "move", outline: null, selection: null, query: "", filters: new Map(), path: [], pickedRow: -1, upload: null,
  });
}
