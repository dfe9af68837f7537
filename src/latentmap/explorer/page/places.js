/*
 * Where a category's name is written on the map: in the middle of its densest part, for the mean of
 * a category that has two islands lies in the sea between them.
 */

const PLACE_CELLS = 48; // a side of the coarse grid on which the densest part is looked for
const MOST_NAMES = 30;

/**
 * @param {Colours} colours
 * @param {Cloud} cloud
 * @returns {{value: number, text: string, x: number, y: number, count: number}[]} most rows first
 */
function namePlaces(colours, cloud) {
  if (colours.kind !== "category" || colours.values.length > MOST_NAMES) return [];
  const rows = colours.values.map(() => []);
  colours.codes.forEach((code, i) => rows[code]?.push(i));
  return rows
    .map((members, value) => ({
      value,
      text: colours.values[value],
      count: members.length,
      ...densestPlace(members, cloud),
    }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

/** The mean of the members in the 5 × 5 cells that hold most of them. */
function densestPlace(members, cloud) {
  const [x0, y0, x1, y1] = scene.bounds;
  const side = PLACE_CELLS + 4;
  const cell = (value, low, high) =>
    2 + Math.min(PLACE_CELLS - 1, Math.floor(((value - low) / (high - low || 1)) * PLACE_CELLS));
  const across = members.map((i) => cell(cloud.x[i], x0, x1));
  const up = members.map((i) => cell(cloud.y[i], y0, y1));
  const around = new Uint32Array(side * side);
  members.forEach((_, k) => {
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) around[(up[k] + dy) * side + across[k] + dx]++;
    }
  });
  const best = around.reduce((top, value, place) => (value > around[top] ? place : top), 0);
  const near = members.filter((_, k) =>
    Math.abs(across[k] - (best % side)) <= 2 && Math.abs(up[k] - Math.floor(best / side)) <= 2);
  const mean = (values) => near.reduce((sum, i) => sum + values[i], 0) / near.length;
  return { x: mean(cloud.x), y: mean(cloud.y) };
}
