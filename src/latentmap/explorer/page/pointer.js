/*
 * Mouse, pen and fingers on the map. A mouse that moves reads; pressed, it does what the tool does. A
 * finger has no hovering: with the moving tool one finger reads, and two fingers move and zoom.
 */

const STILL = 5; // CSS pixels that a click may move

/**
 * @param {HTMLElement} surface
 * @param {View} view
 * @param {Nearest} nearest
 * @param {function(Press): Gesture} begin
 */
function installPointer(surface, view, nearest, begin) {
  const down = new Map();
  let gesture = null;
  let first = null;
  let still = true; // since it was pressed: a closed lasso ends where it began, and is no click

  const press = (event) => {
    const frame = surface.getBoundingClientRect();
    return { left: event.clientX - frame.left, top: event.clientY - frame.top, adding: event.shiftKey };
  };

  function read(event, reader) {
    const now = press(event);
    state.set({
      spot: view.toPlane(now.left, now.top),
      hovered: rowAt(view, nearest, now),
      reader,
    });
  }

  const readsByFinger = (event) => event.pointerType === "touch" && state.get("tool") === "move";

  surface.onpointerdown = (event) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    byId("map").focus({ preventScroll: true });
    down.set(event.pointerId, press(event));
    if (down.size > 1) {
      gesture = null;
      state.set({ drawn: null });
      return;
    }
    first = press(event);
    still = true;
    gesture = begin(first);
    if (event.pointerType === "touch") read(event, "finger");
  };

  surface.onpointermove = (event) => {
    if (!down.has(event.pointerId)) {
      if (event.pointerType !== "touch") read(event, "mouse");
      return;
    }
    const now = press(event);
    still &&= isStill(first, now);
    if (down.size === 2) pinch(view, down, event.pointerId, now);
    else if (readsByFinger(event)) read(event, "finger");
    else if (gesture && !still) {
      gesture.drag(now);
      if (state.get("drawn")) state.set({ spot: null, hovered: -1 });
      else read(event, event.pointerType === "touch" ? "finger" : "mouse");
    }
    down.set(event.pointerId, now);
  };

  surface.onpointerup = (event) => {
    if (event.pointerType === "touch") state.set({ reader: "cross" });
    if (!down.delete(event.pointerId) || !gesture) return;
    gesture.end(press(event), still);
    gesture = null;
  };
  surface.onpointercancel = (event) => {
    down.delete(event.pointerId);
    gesture = null;
    state.set({ drawn: null });
  };
  surface.onpointerleave = (event) => {
    if (event.pointerType !== "touch") state.set({ spot: null, hovered: -1 });
  };

  surface.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top } = press(event);
    view.zoomAt(left, top, wheelFactor(event));
    read(event, "mouse");
  }, { passive: false });

  surface.ondblclick = (event) => {
    const { left, top } = press(event);
    if (state.get("tool") === "move") glideZoom(view, left, top, event.shiftKey ? 0.5 : 2);
  };
}

const isStill = (a, b) => Math.hypot(a.left - b.left, a.top - b.top) < STILL;

/** A mouse's wheel clicks in lines or hundreds of pixels, a pinch on a touchpad in single ones. */
function wheelFactor({ deltaY, deltaMode, ctrlKey }) {
  const pixels = deltaMode === 1 ? deltaY * 16 : deltaY;
  return Math.exp(-Math.max(-240, Math.min(240, pixels)) * (ctrlKey ? 0.01 : 0.0018));
}

/** Move and zoom so that both fingers stay on their spots. */
function pinch(view, down, moving, now) {
  const [other] = [...down].filter(([id]) => id !== moving).map(([, place]) => place);
  const before = down.get(moving);
  const apart = (place) => Math.max(10, Math.hypot(place.left - other.left, place.top - other.top));
  view.pan((now.left - before.left) / 2, (now.top - before.top) / 2);
  view.zoomAt((now.left + other.left) / 2, (now.top + other.top) / 2, apart(now) / apart(before));
}
