/*
 * Mouse, pen and fingers. Moving the mouse decodes the position below it, and dragging uses the
 * selected tool. A finger cannot hover: with the tool "move", one finger decodes, and two fingers move
 * and zoom the map.
 */

import { byId } from "./dom.js";
import { setState, state } from "./state.js";
import { rowAt } from "./tools.js";

/** @import { Gesture, Press, StartGesture } from "./types.js" */
/** @import { Points } from "./points.js" */
/** @import { View } from "./view.js" */

const CLICK_REACH = 5; // Maximum movement of the pointer during a click.

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
  function pixelAt(event) {
    const frame = surface.getBoundingClientRect();
    return { left: event.clientX - frame.left, top: event.clientY - frame.top, adds: event.shiftKey };
  }

  /** @param {MouseEvent} event @param {"mouse" | "finger"} cursor */
  function decodeAt(event, cursor) {
    const press = pixelAt(event);
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
    presses.set(event.pointerId, pixelAt(event));
    if (presses.size > 1) {
      gesture = null;
      setState({ outline: null });
      return;
    }
    firstPress = pixelAt(event);
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
    const now = pixelAt(event);
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
    gesture?.end(pixelAt(event), isClick);
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
    const { left, top } = pixelAt(event);
    view.zoomAt(left, top, wheelFactor(event));
    decodeAt(event, "mouse");
  }, { passive: false });

  surface.ondblclick = (event) => {
    const { left, top } = pixelAt(event);
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
