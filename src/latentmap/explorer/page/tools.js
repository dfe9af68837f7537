/*
 * What a press on the map begins: moving it, an outline, a walk. A tool gives the two functions that
 * the pointer then calls, so the pointer knows nothing of tools, and a tool nothing of mice and
 * fingers.
 */

const GRIP = 14; // CSS pixels around an end of the walk

/**
 * @typedef {{left: number, top: number, adding: boolean}} Press  in CSS pixels; adding with Shift
 * @typedef {Object} Gesture
 * @property {function(Press): void} drag
 * @property {function(Press, boolean): void} end  told whether the press was a click
 */

/** @param {View} view @param {Cloud} cloud @param {Nearest} nearest */
function makeTools(view, cloud, nearest) {
  const spotAt = ({ left, top }) => view.toPlane(left, top);

  function move(press) {
    let last = press;
    return {
      drag(now) {
        view.pan(now.left - last.left, now.top - last.top);
        last = now;
      },
      end(now, clicked) {
        if (clicked) state.set({ picked: rowAt(view, nearest, now) });
      },
    };
  }

  function outline(shape) {
    return (press) => {
      const path = [spotAt(press)];
      return {
        drag(now) {
          path.push(spotAt(now));
          state.set({ drawn: shape(path) });
        },
        end(now, clicked) {
          state.set({ drawn: null });
          if (!clicked) selectInside(shape(path), cloud, now.adding);
          else if (!now.adding) state.set({ selected: null });
        },
      };
    };
  }

  function walk(press) {
    const ends = state.get("walk");
    const [from, start] = ends.length === 1 ? [ends[0], ends[0]] : [spotAt(press), null];
    state.set({ walk: start ? [from, spotAt(press)] : [from] });
    return {
      drag: (now) => state.set({ walk: [from, spotAt(now)] }),
      end(now, clicked) {
        if (clicked && !start) state.set({ walk: [from] });
      },
    };
  }

  function dragEnd(which) {
    return {
      drag(now) {
        const ends = [...state.get("walk")];
        ends[which] = spotAt(now);
        state.set({ walk: ends });
      },
      end() {},
    };
  }

  /** The end of the walk under a press, or -1. */
  function gripAt({ left, top }) {
    const ends = state.get("walk");
    if (ends.length < 2) return -1;
    return ends.findIndex((end) => {
      const [x, y] = view.toScreen(...end);
      return Math.hypot(x - left, y - top) < GRIP;
    });
  }

  const tools = { move, walk, lasso: outline((path) => [...path]), box: outline(boxOf) };
  return (press) => {
    const grip = gripAt(press);
    return grip >= 0 ? dragEnd(grip) : tools[state.get("tool")](press);
  };
}

/** The corners of the box between the ends of a path. */
function boxOf(path) {
  const [[x0, y0], [x1, y1]] = [path[0], path[path.length - 1]];
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

const REACH = 7; // CSS pixels from a point's middle

/** The shown row under a place of the window, or -1. */
function rowAt(view, nearest, { left, top }) {
  return nearest.within(...view.toPlane(left, top), REACH / view.scale);
}

/** The buttons that choose a tool. */
function installToolbar() {
  const buttons = [...document.querySelectorAll("[data-tool]")];
  for (const button of buttons) button.onclick = () => state.set({ tool: button.dataset.tool });
  const mark = () => {
    const tool = state.get("tool");
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    byId("map").dataset.using = tool;
    byId("hint").textContent = TOOL_HINTS[tool];
    byId("hint").hidden = !TOOL_HINTS[tool] || state.get("walk").length === 2;
  };
  state.on(["tool", "walk"], mark);
  mark();
}

const TOOL_HINTS = {
  move: "",
  lasso: "Draw around rows; Shift adds to them.",
  box: "Draw a box around rows; Shift adds to them.",
  walk: "Mark two spots: see what lies between.",
};
