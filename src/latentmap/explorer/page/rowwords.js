/*
 * What a row is called where there is room for a few words: its number in the data, and its label if
 * there are labels. Both are the same whatever the map is coloured by.
 */

let rowNumbers = null;
let rowLabels = null;

/** @param {Source} source */
async function installRowWords(source) {
  if (scene.total > scene.n) rowNumbers = new Uint32Array(await source.buffer("numbers"));
  state.on(["colours"], () => {
    const colours = state.get("colours");
    if (colours.name === "label" && colours.kind === "category") rowLabels = colours;
  });
}

/** The number in the data of the i-th row shown. */
const numberOf = (i) => (rowNumbers ? rowNumbers[i] : i);

/** "Row 12 · seven" */
function rowWords(i) {
  const label = rowLabels?.values[rowLabels.codes[i]];
  return [`Row ${formatWhole(numberOf(i))}`, label].filter((word) => word !== undefined).join(" · ");
}
