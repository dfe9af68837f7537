/*
 * The neighbourhood of a point: the rows nearest to the picked row, or to the position that was
 * clicked, and what distinguishes them from all other rows. The map encloses them in a circle.
 */

import { byId, find } from "./dom.js";
import { explanationElement, hasComparedValues } from "./explanation.js";
import { formatCount } from "./format.js";
import { scene } from "./scene.js";
import { isShown, latestOnly, onChange, setState, state } from "./state.js";

/** @import { Points } from "./points.js" */
/** @import { Neighborhood, Point, Source } from "./types.js" */

const MAX_ROWS = 50;
const MIN_ROWS = 10;
const MAX_SHARE = 0.05; // Maximum number of rows in a neighbourhood, as a share of all rows.

/** Show the neighbourhood of the picked row or position. @param {Source} source @param {Points} points */
export function installNeighborhood(source, points) {
  if (!hasComparedValues) return;
  const section = byId("neighborhood");

  const explain = latestOnly(async (/** @type {Neighborhood} */ neighborhood) => {
    const element = await explanationElement(source, neighborhood.rows, "nearby");
    if (state.neighborhood !== neighborhood) return;
    find(section, "h2").textContent = `Nearest ${formatCount(neighborhood.rows.length, "row")} on the map`;
    find(section, ".body").replaceChildren(element);
    section.hidden = false;
  });

  const update = () => {
    const { pickedRow, pickedPoint } = state;
    const center = pickedRow >= 0 ? points.positionOf(pickedRow) : pickedPoint;
    setState({ neighborhood: center && nearestRows(center, points) });
  };

  find(section, ".close").onclick = () => setState({ pickedRow: -1, pickedPoint: null });
  onChange(["pickedRow", "pickedPoint", "passing", "hiddenCategories"], update);
  onChange(["neighborhood"], () => {
    if (state.neighborhood) explain(state.neighborhood);
    else section.hidden = true;
  });
}

/**
 * Return the nearest shown rows of a point, or null if no rows are shown.
 * @param {Point} center @param {Points} points @returns {Neighborhood | null}
 */
function nearestRows(center, points) {
  const count = Math.min(MAX_ROWS, Math.max(MIN_ROWS, Math.floor(MAX_SHARE * scene.n)));
  const weight = scene.n_components === 1 ? 0 : 1; // For one component, y is the height in a histogram.
  const distances = points.x.map((x, row) =>
    (isShown(row) ? Math.hypot(x - center[0], weight * (points.y[row] - center[1])) : Infinity));
  const sorted = distances.toSorted();
  const nShown = sorted.findLastIndex(Number.isFinite) + 1;
  if (nShown === 0) return null;
  const radius = sorted[Math.min(count, nShown) - 1];
  return { center, radius, rows: [...distances.keys()].filter((row) => distances[row] <= radius).slice(0, count) };
}
