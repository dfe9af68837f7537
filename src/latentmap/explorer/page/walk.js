/*
 * A walk: two spots, and the rows decoded on the straight line between them, ends included. The
 * ends can be dragged; the strip follows.
 */

const STEPS = 11;

/** The spots of a walk, pairs (x, y). @returns {Float32Array} */
function walkSpots([from, to]) {
  const spots = new Float32Array(2 * STEPS);
  for (let k = 0; k < STEPS; k++) {
    const share = k / (STEPS - 1);
    spots[2 * k] = from[0] + (to[0] - from[0]) * share;
    spots[2 * k + 1] = from[1] + (to[1] - from[1]) * share;
  }
  return spots;
}

/** @param {Source} source @param {HTMLElement} section */
function installWalk(source, section) {
  const strip = byId("walk-strip");
  const decode = latestWins(async (ends) => {
    try {
      const { rows, densities } = await source.decode(walkSpots(ends));
      WALKING[scene.row.kind](strip, rows, densities);
      section.dataset.steps = STEPS;
    } catch (error) {
      showNotice(error.message);
    }
  });
  section.querySelector(".close").onclick = () => state.set({ walk: [], tool: "move" });
  state.on(["walk", "theme"], () => {
    const ends = state.get("walk");
    section.hidden = ends.length < 2;
    if (ends.length === 2) decode(ends);
  });
}

const WALKING = {
  image(strip, rows, densities) {
    strip.className = "strip";
    while (strip.children.length < rows.length) strip.append(element("canvas", { className: "picture" }));
    rows.forEach((row, k) => {
      paintPicture(strip.children[k], row);
      strip.children[k].style.opacity = opacityOf(densities[k]);
    });
  },
  table(strip, rows) {
    strip.className = "paths";
    strip.replaceChildren(...changingColumns(rows).map((j) => pathLine(j, rows)));
  },
};

/** The six columns that change most from end to end, in the table's order. */
function changingColumns(rows) {
  const change = (j) => {
    const values = rows.map((row) => deviations(row[j], scene.row.columns[j]));
    return Math.max(...values) - Math.min(...values);
  };
  const all = scene.row.columns.map((_, j) => j);
  return all.sort((a, b) => change(b) - change(a)).slice(0, 6).sort((a, b) => a - b);
}

/** One column along the walk: its name, its first value, its path, its last value. */
function pathLine(j, rows) {
  const column = scene.row.columns[j];
  const canvas = element("canvas", { className: "path", width: 320, height: 40 });
  drawPath(canvas, rows.map((row) => deviations(row[j], column)));
  const value = (row) => element("span", { className: "chart-value" }, formatValue(row[j], column));
  return element(
    "div",
    { className: "path-line" },
    element("span", { className: "chart-name", title: column.name }, column.name),
    value(rows[0]),
    canvas,
    value(rows[rows.length - 1]),
  );
}

function drawPath(canvas, values) {
  const context = canvas.getContext("2d");
  const span = Math.max(1, ...values.map(Math.abs)) * 1.1;
  context.strokeStyle = look("--accent");
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.beginPath();
  values.forEach((value, k) => context.lineTo(
    4 + ((canvas.width - 8) * k) / (values.length - 1),
    (canvas.height / 2) * (1 - value / span),
  ));
  context.stroke();
}
