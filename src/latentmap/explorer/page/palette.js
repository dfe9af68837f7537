/*
 * Colours of the points. The colours of the light theme are those of plots/style.py: the distance of
 * any two of the twenty in OKLab is at least .07 for normal colour vision, protanopia and deuteranopia
 * as simulated by G. M. Machado et al. (2009). The colours of the dark theme have the same hues and
 * distances, and are light enough for a dark background. Clusters use the twenty colours in another
 * order, so that their colours differ from those of labels. The hues of further categories are
 * multiples of the golden angle. Numbers use viridis, whose lightness increases evenly.
 */

import { MISSING } from "./scene.js";
import { state } from "./state.js";

/** @import { Colors } from "./types.js" */

const CATEGORY_COLORS = {
  light: [
    "#3f90da", "#ffa90e", "#bd1f01", "#008f8f", "#832db6", "#a96b59", "#e76300", "#b9ac70",
    "#29337a", "#92dadd", "#700a29", "#0a3dff", "#a3adff", "#7a4766", "#ff33ad", "#66eb8f",
    "#7070ff", "#e099b8", "#476633", "#522952",
  ],
  dark: [
    "#5980ff", "#e7bc06", "#c24809", "#8dfee3", "#b42fb2", "#bf786a", "#d9820e", "#c2b282",
    "#a09fd1", "#7ee0fb", "#f7aac4", "#4f69d8", "#baafff", "#ae526d", "#e53e9f", "#b3ff67",
    "#9a94fe", "#da859f", "#afda85", "#a477ca",
  ],
};

/** Indices of the colours of clusters. The first ten are not among the first ten colours of labels. */
const CLUSTER_ORDER = [16, 15, 14, 11, 17, 18, 10, 12, 13, 19, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

const MISSING_COLOR = { light: "#b4b6ba", dark: "#5b6068" };

/** The colours of numbers, from the smallest to the largest. */
export const VIRIDIS = [
  "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58",
  "#b5de2b", "#fde725",
];

/** Entry of a pixel table for points that are not drawn. */
export const HIDDEN = 0;

/** @param {string} hex  "#rrggbb" */
const rgbOf = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

/** Return an opaque pixel of an ImageData as a 32-bit number. @param {number[]} rgb */
const packRgb = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** Return a colour as an opaque pixel. @param {string} hex  "#rrggbb" */
export const pixelOf = (hex) => packRgb(rgbOf(hex));

/** Return a colour of viridis as RGB. @param {number} fraction  0–1 */
function viridis(fraction) {
  const position = fraction * (VIRIDIS.length - 1);
  const index = Math.min(VIRIDIS.length - 2, Math.floor(position));
  const [start, end] = [rgbOf(VIRIDIS[index]), rgbOf(VIRIDIS[index + 1])];
  return start.map((value, k) => Math.round(value + (end[k] - value) * (position - index)));
}

const VIRIDIS_PIXELS = Uint32Array.from({ length: 256 }, (_, i) => packRgb(viridis(i / 255)));

/**
 * Return the colour of a category of a colour scale, or of missing values.
 * @param {number} category @param {Pick<Colors, "name" | "column">} [scale]
 */
export function categoryColor(category, { name, column } = { name: "" }) {
  if (category === MISSING) return MISSING_COLOR[state.theme];
  const colors = CATEGORY_COLORS[state.theme];
  const isCluster = name === "cluster" && column === undefined;
  if (category >= colors.length) return goldenColor(category + (isCluster ? 0.5 : 0));
  return colors[isCluster ? CLUSTER_ORDER[category] : category];
}

/**
 * Return a colour whose hue is the category times the golden angle. The lightness takes three values.
 * @param {number} category  a cluster has the position between two categories
 */
function goldenColor(category) {
  const hue = (category * 137.508 * Math.PI) / 180;
  const lightness = (state.theme === "light" ? 0.48 : 0.62) + 0.1 * (category % 3);
  return hexOfOklab(lightness, 0.12 * Math.cos(hue), 0.12 * Math.sin(hue));
}

/**
 * Convert a colour from OKLab to sRGB (B. Ottosson, "A perceptual color space for image processing",
 * 2020). Colours outside of sRGB are clipped.
 * @param {number} lightness @param {number} a @param {number} b
 */
function hexOfOklab(lightness, a, b) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return `#${linear.map(hexOfLinear).join("")}`;
}

/** Return two hexadecimal digits of a linear component of sRGB. @param {number} value */
function hexOfLinear(value) {
  const clipped = Math.min(1, Math.max(0, value));
  const gamma = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
  return Math.round(255 * gamma).toString(16).padStart(2, "0");
}

/**
 * Return an array with the packed colour of a pixel for each value.
 * @param {Colors} colors
 * @param {Set<number>} hidden  categories that are not drawn
 */
export function pixelTable(colors, hidden) {
  const table = new Uint32Array(MISSING + 1);
  if (colors.categories) {
    colors.categories.forEach((_, value) => { table[value] = pixelOf(categoryColor(value, colors)); });
  } else {
    const { ranks } = numberRanks(colors);
    for (let value = 0; value < MISSING; value++) table[value] = VIRIDIS_PIXELS[Math.round(255 * ranks[value])];
  }
  table[MISSING] = pixelOf(categoryColor(MISSING, colors));
  for (const category of hidden) table[category] = HIDDEN;
  return table;
}

/** @typedef {{ ranks: Float32Array, isSkewed: boolean, quantiles: number[] }} NumberRanks */

/** @type {WeakMap<Uint16Array, NumberRanks>} */
const cachedRanks = new WeakMap();

/**
 * Return the position of each quantised value on the colour scale of numbers, 0–1, and the quantised
 * minimum, quartiles and maximum. The position is proportional to the number, or, if the numbers are
 * skewed, it is the share of rows with a smaller number, so that all colours are used.
 * @param {Pick<Colors, "values">} colors @returns {NumberRanks}
 */
export function numberRanks({ values }) {
  const cached = cachedRanks.get(values);
  if (cached) return cached;
  const counts = countValues(values).subarray(0, MISSING);
  const total = Math.max(1, counts.reduce((sum, count) => sum + count, 0));
  const ranks = new Float32Array(MISSING);
  for (let value = 0, below = 0; value < MISSING; below += counts[value++]) ranks[value] = (below + counts[value] / 2) / total;
  const quantile = (/** @type {number} */ share) => Math.max(0, ranks.findIndex((rank) => rank >= share));
  const isSkewed = areSkewed([0.01, 0.1, 0.5, 0.9, 0.99].map(quantile));
  const quantiles = [Math.max(0, counts.findIndex((count) => count > 0)), ...[0.25, 0.5, 0.75].map(quantile), Math.max(0, counts.findLastIndex((count) => count > 0))];
  if (!isSkewed) ranks.forEach((_, value) => { ranks[value] = value / (MISSING - 1); });
  const result = { ranks, isSkewed, quantiles };
  cachedRanks.set(values, result);
  return result;
}

/**
 * Return whether quantised numbers are skewed: the median is not in the middle between the percentiles
 * 10 and 90, or the percentiles 1 to 99 cover a small part of the range.
 * @param {number[]} percentiles  1, 10, 50, 90 and 99
 */
function areSkewed([p1, p10, p50, p90, p99]) {
  return Math.abs(p10 + p90 - 2 * p50) > 0.3 * (p90 - p10) || p99 - p1 < 0.3 * MISSING;
}

/** Return the number of rows with each value. @param {Iterable<number>} values */
export function countValues(values) {
  const counts = new Uint32Array(MISSING + 1);
  for (const value of values) counts[value]++;
  return counts;
}
