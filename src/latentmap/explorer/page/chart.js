/*
 * A table's row as a small chart: the columns in which it differs most from the mean, as bars to the
 * left or right of it in deviations, with values in their own units. The columns keep the table's
 * order, so that they do not dance while the mouse moves.
 */

const MOST_BARS = 8;
const WIDEST = 3; // deviations that fill half a bar

const deviations = (value, { mean, deviation }) => (deviation > 0 ? (value - mean) / deviation : 0);

/** The columns of the largest deviations, in the table's order. @returns {number[]} */
function tellingColumns(values) {
  const size = (j) => Math.abs(deviations(values[j], scene.row.columns[j])) || 0;
  return scene.row.columns
    .map((_, j) => j)
    .sort((a, b) => size(b) - size(a))
    .slice(0, MOST_BARS)
    .sort((a, b) => a - b);
}

/**
 * Draw a row into `place`: bars for `values`, and a tick for what the row really was.
 * @param {HTMLElement} place
 * @param {Float32Array} values
 * @param {?Float32Array} [original]
 */
function drawChart(place, values, original = null) {
  const lines = tellingColumns(original ?? values).map((j) =>
    chartLine(scene.row.columns[j], values[j], original ? original[j] : null));
  place.replaceChildren(...lines);
  place.classList.add("chart");
}

function chartLine(column, value, original) {
  const bar = element("span", { className: "bar-of" }, barElement(deviations(value, column)));
  if (original !== null) bar.append(tickElement(deviations(original, column)));
  const shown = original ?? value;
  const title = original === null
    ? `${column.name}: mean ${formatValue(column.mean, column)}`
    : `${column.name}: ${formatValue(original, column)}, reconstructed ${formatValue(value, column)}`;
  return element(
    "div",
    { className: "chart-line", title },
    element("span", { className: "chart-name" }, column.name),
    bar,
    element("span", { className: "chart-value" }, formatValue(shown, column)),
  );
}

/** Where a deviation lies on a bar, in percent. */
const placeOnBar = (deviation) =>
  50 + (50 * Math.max(-WIDEST, Math.min(WIDEST, deviation || 0))) / WIDEST;

function barElement(deviation) {
  const bar = element("i", { className: deviation < 0 ? "bar below" : "bar above" });
  const place = placeOnBar(deviation);
  bar.style.left = `${Math.min(50, place)}%`;
  bar.style.width = `${Math.abs(place - 50)}%`;
  return bar;
}

function tickElement(deviation) {
  const tick = element("i", { className: "tick" });
  tick.style.left = `${placeOnBar(deviation)}%`;
  return tick;
}
