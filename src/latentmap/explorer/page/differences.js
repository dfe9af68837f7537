/*
 * Differences between a group of rows and all other rows. As in `latentmap.analysis.explain_groups`,
 * the effect size is Cohen's d of numbers, the difference of the means divided by the pooled standard
 * deviation, and Cohen's h of the share of rows with a category or word, 2 arcsin √p − 2 arcsin √q
 * (J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988).
 */

import { MISSING, dequantize, loadColors, scene, storedScales } from "./scene.js";
import { countWords, loadWordLists } from "./text_words.js";

/** @import { Colors, Difference, Source } from "./types.js" */

/** The level of a row that is not compared. */
export const EXCLUDED_ROW = 0;
/** The level of a row outside of the group. */
export const OTHER_ROW = 1;
/** The level of a row of the group. */
export const GROUP_ROW = 2;

const MIN_EFFECT = 0.2; // Cohen calls an effect size of 0.2 small, 0.5 medium, and 0.8 large.
const MIN_STANDARD_ERRORS = 3; // Smaller effects occur by chance in small groups.
const MAX_VALUES = 3; // Maximum number of categories of a column, and of words of a text.

/**
 * Return the largest differences between the rows of a group and the other rows.
 * @param {Source} source @param {Uint8Array} levels  GROUP_ROW, OTHER_ROW or EXCLUDED_ROW, for each row
 * @param {number} count  maximum number of differences
 */
export async function findDifferences(source, levels, count) {
  const sizes = countLevels(levels);
  if (!sizes[GROUP_ROW] || !sizes[OTHER_ROW]) return [];
  const smallest = Math.max(MIN_EFFECT, MIN_STANDARD_ERRORS * Math.sqrt(1 / sizes[GROUP_ROW] + 1 / sizes[OTHER_ROW]));
  const scales = await Promise.all(comparedScales().map((i) => loadColors(source, i)));
  const differences = scales.flatMap((colors) =>
    colors.categories ? categoryDifferences(colors, levels) : numberDifference(colors, levels));
  for (const words of await loadWordLists(source)) {
    const counts = countWords(words, levels);
    differences.push(...largerShares(words.names, counts[GROUP_ROW], counts[OTHER_ROW], sizes).map((difference) => ({ ...difference, isWord: true })));
  }
  return differences
    .filter(({ effect }) => Math.abs(effect) >= smallest)
    .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
    .slice(0, count);
}

/** Return the indices of the labels, the columns and the computed scores, except clusters. */
const comparedScales = () => [...scene.color_scales.keys()].filter((i) => {
  const { name, column, is_computed } = scene.color_scales[i];
  return storedScales.includes(i) || (is_computed && !(name === "cluster" && column === undefined));
});

/** @param {Uint8Array} levels */
function countLevels(levels) {
  const counts = [0, 0, 0];
  for (const level of levels) counts[level]++;
  return counts;
}

/** @param {Colors} colors @param {Uint8Array} levels @returns {Difference[]} */
function numberDifference(colors, levels) {
  const [counts, sums, squares] = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  colors.values.forEach((value, row) => {
    if (value === MISSING) return;
    const level = levels[row];
    counts[level]++;
    sums[level] += value;
    squares[level] += value * value;
  });
  if (!counts[GROUP_ROW] || !counts[OTHER_ROW]) return [];
  const [groupMean, otherMean] = [GROUP_ROW, OTHER_ROW].map((level) => sums[level] / counts[level]);
  const within = squares[GROUP_ROW] + squares[OTHER_ROW] - counts[GROUP_ROW] * groupMean ** 2 - counts[OTHER_ROW] * otherMean ** 2;
  const std = Math.sqrt(Math.max(0, within) / Math.max(1, counts[GROUP_ROW] + counts[OTHER_ROW] - 2));
  if (std < 1e-6) return []; // No effect size exists if the numbers of each group are equal.
  const { low = 0, high = 1 } = colors;
  const numberOf = (/** @type {number} */ value) => dequantize(value, low, high);
  const [groupValue, otherValue] = [numberOf(groupMean), numberOf(otherMean)];
  return [{ colors, effect: (groupMean - otherMean) / std, groupValue, otherValue, std: numberOf(std) - low }];
}

/** @param {Colors} colors @param {Uint8Array} levels @returns {Difference[]} */
function categoryDifferences(colors, levels) {
  const { categories = [], values } = colors;
  const counts = [EXCLUDED_ROW, OTHER_ROW, GROUP_ROW].map(() => new Uint32Array(categories.length));
  values.forEach((value, row) => { if (value !== MISSING) counts[levels[row]][value]++; });
  const sizes = counts.map((numbers) => numbers.reduce((sum, count) => sum + count, 0));
  return largerShares(categories, counts[GROUP_ROW], counts[OTHER_ROW], sizes).map((difference) => ({ ...difference, colors }));
}

/**
 * Return the values that are more frequent in the group. Values that are rarer in it are left out,
 * because most values are rare in any group.
 * @param {string[]} names @param {Uint32Array} members  number of members with each value
 * @param {Uint32Array} others @param {number[]} sizes  number of rows of each level
 * @returns {Difference[]}
 */
function largerShares(names, members, others, sizes) {
  if (!sizes[GROUP_ROW] || !sizes[OTHER_ROW]) return [];
  const angle = (/** @type {number} */ share) => 2 * Math.asin(Math.sqrt(share));
  /** @type {Difference[]} */
  const differences = [];
  names.forEach((value, k) => {
    const [groupValue, otherValue] = [members[k] / sizes[GROUP_ROW], others[k] / sizes[OTHER_ROW]];
    if (groupValue > otherValue) differences.push({ value, effect: angle(groupValue) - angle(otherValue), groupValue, otherValue });
  });
  return differences.sort((a, b) => b.effect - a.effect).slice(0, MAX_VALUES);
}
