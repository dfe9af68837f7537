/*
 * From a colouring to pixels: one table of 65,536 pixel values, so that drawing a point is one
 * look-up whatever it is coloured by, and a change of theme or a hidden category rewrites only the
 * table.
 */

/**
 * @typedef {Object} Colours  a colouring with its values
 * @property {string} name
 * @property {"category"|"number"} kind
 * @property {Uint16Array} codes  of each row: which value, or 0–65,534 over low–high; 65,535 missing
 * @property {string[]} [values]
 * @property {number} [low]
 * @property {number} [high]
 */

const HIDDEN = 0;

/** All points alike: until the first colouring is there, and where there is none. @returns {Colours} */
const plainColours = (count) => ({
  name: "",
  kind: "number",
  codes: new Uint16Array(count).fill(MISSING),
  low: 0,
  high: 1,
});

/**
 * @param {Colours} colours
 * @param {Set<number>} hidden  categories not to draw
 * @param {"light"|"dark"} theme
 * @returns {Uint32Array} pixel of each code, HIDDEN for those not to draw
 */
function pixelTable(colours, hidden, theme) {
  const table = new Uint32Array(MISSING + 1);
  if (colours.kind === "category") {
    colours.values.forEach((_, i) => {
      table[i] = pixelOf(rgbOf(categoryColour(i, theme)));
    });
  } else {
    for (let code = 0; code < MISSING; code++) {
      table[code] = NUMBER_PIXELS[(code * NUMBER_PIXELS.length) >> 16];
    }
  }
  table[MISSING] = pixelOf(rgbOf(ABSENT[theme]));
  for (const code of hidden) table[code] = HIDDEN;
  return table;
}

const NUMBER_PIXELS = Uint32Array.from({ length: 256 }, (_, i) => pixelOf(viridis(i / 255)));

/** How many rows have each code, the missing ones last. @returns {Uint32Array} */
function countCodes(codes) {
  const counts = new Uint32Array(MISSING + 1);
  for (const code of codes) counts[code]++;
  return counts;
}

/** Whether row i is drawn. */
const isShown = (i) => {
  const { codes, kind } = state.get("colours");
  return kind === "number" || !state.get("hidden").has(codes[i]);
};
