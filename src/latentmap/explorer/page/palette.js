/*
 * Colours that people with any colour vision can tell apart. The light ones are those of the
 * printed pictures (plots/style.py): no two of the twenty are closer than .07 in OKLab for normal
 * sight, protanopia and deuteranopia as simulated by G. M. Machado et al. (2009). The dark ones keep
 * each hue, are light enough for a dark ground, and are as far apart. Numbers take viridis, which
 * rises evenly in lightness.
 */

const CATEGORIES = {
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

const ABSENT = { light: "#b4b6ba", dark: "#5b6068" };

const VIRIDIS = [
  "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58",
  "#b5de2b", "#fde725",
];

/** @param {string} hex "#rrggbb" @returns {number[]} 0–255 */
const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** The 32 bits of an opaque pixel in an ImageData's buffer. */
const pixelOf = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** @param {number} share 0–1 @returns {number[]} RGB */
function viridis(share) {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const below = Math.min(VIRIDIS.length - 2, Math.floor(place));
  const [low, high] = [rgbOf(VIRIDIS[below]), rgbOf(VIRIDIS[below + 1])];
  return low.map((value, k) => Math.round(value + (high[k] - value) * (place - below)));
}

/** The colour of the i-th category; they come round again after twenty. */
const categoryColour = (i, theme) => CATEGORIES[theme][i % CATEGORIES[theme].length];
