/*
 * The keyboard: move, zoom, choose a tool, read and pick a row; outlines and walks are the mouse's.
 * After an arrow key the middle of the map is read, under a cross.
 */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STRIDE = 60; // CSS pixels an arrow moves

/** @param {View} view @param {Nearest} nearest */
function installKeys(view, nearest) {
  const zoom = (factor) => glideZoom(view, view.width / 2, view.height / 2, factor);
  const whole = () => glideTo(view, view.whole(), () => view.fit());
  const choose = (tool) => () => state.set({ tool });
  const commands = {
    "+": () => zoom(1.6),
    "=": () => zoom(1.6),
    "-": () => zoom(1 / 1.6),
    0: whole,
    Escape: clearAll,
    m: choose("move"),
    l: choose("lasso"),
    b: choose("box"),
    w: choose("walk"),
    d: () => byId("draw").hidden || byId("draw").click(),
    o: () => byId("open").click(),
    t: () => byId("theme").click(),
    Enter: () => state.get("hovered") >= 0 && state.set({ picked: state.get("hovered") }),
  };

  function step([right, down]) {
    view.pan(-right * STRIDE, -down * STRIDE);
    const middle = { left: view.width / 2, top: view.height / 2 };
    state.set({ spot: [view.x, view.y], hovered: rowAt(view, nearest, middle), reader: "cross" });
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("select, input, textarea");
    const onButton = event.target.matches("button") && event.key === "Enter";
    if ((typing && event.key !== "Escape") || onButton) return;
    const command = event.key in ARROWS ? () => step(ARROWS[event.key]) : commands[event.key];
    if (!command) return;
    event.preventDefault();
    command();
  });

  byId("zoom-in").onclick = commands["+"];
  byId("zoom-out").onclick = commands["-"];
  byId("zoom-all").onclick = whole;
}

/** Back to the plain map: no outline, selection, walk, pick, or row of one's own. */
function clearAll() {
  closeNotice();
  state.set({ tool: "move", drawn: null, selected: null, walk: [], picked: -1, placed: null });
}
