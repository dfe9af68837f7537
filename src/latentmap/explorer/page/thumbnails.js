/*
 * Thumbnails of images on the map, instead of points, when few rows are in view.
 */

import { categoryColor } from "./palette.js";
import { pictureElement } from "./rows.js";
import { imageSize } from "./scene.js";
import { isShown, latestOnly, state } from "./state.js";

/** @import { Points } from "./points.js" */
/** @import { Source } from "./types.js" */
/** @import { View } from "./view.js" */

const MAX_ROWS = 256; // Thumbnails are shown if at most this many rows are in view.
const MAX_STORED = 2048;
const SIDE = 44; // Longer side of a thumbnail in CSS pixels.
const BORDER = 2;

/**
 * Return the function that draws the thumbnails, and loads those that are missing.
 * @param {Source} source @param {View} view @param {Points} points @param {() => void} redraw
 * @returns {(context: CanvasRenderingContext2D) => number}  the number of thumbnails
 */
export function createThumbnails(source, view, points, redraw) {
  if (!imageSize) return () => 0;
  const enlargement = SIDE / Math.max(imageSize.height, imageSize.width);
  const [width, height] = [imageSize.width * enlargement, imageSize.height * enlargement];
  /** @type {Map<number, HTMLCanvasElement>} */
  const pictures = new Map();

  const load = latestOnly(async (/** @type {number[]} */ rows) => {
    const missing = rows.filter((row) => !pictures.has(row));
    if (missing.length === 0) return;
    const loaded = await source.thumbnails(missing);
    for (const [row] of [...pictures].slice(0, pictures.size + loaded.length - MAX_STORED)) pictures.delete(row);
    loaded.forEach((picture, k) => pictures.set(missing[k], pictureElement(picture)));
    redraw();
  });

  /** Return the rows in view whose thumbnails do not overlap, or none if there are too many rows. */
  function separateRows() {
    const rows = view.zoom > 1 ? points.rowsIn(view.region(), MAX_ROWS + 1).filter(isShown) : [];
    if (rows.length > MAX_ROWS) return [];
    /** @type {{ row: number, left: number, top: number }[]} */
    const placed = [];
    for (const row of rows) {
      const [left, top] = view.toScreen(...points.positionOf(row));
      const isFree = placed.every((other) => Math.abs(other.left - left) > width + BORDER || Math.abs(other.top - top) > height + BORDER);
      if (isFree) placed.push({ row, left, top });
    }
    return placed;
  }

  return (context) => {
    const placed = separateRows();
    load(placed.map(({ row }) => row));
    const { colors } = state;
    for (const { row, left, top } of placed) {
      const picture = pictures.get(row);
      if (!picture) continue;
      const [x, y] = [left - width / 2, top - height / 2];
      context.fillStyle = colors.categories ? categoryColor(colors.values[row], colors) : "#888";
      context.globalAlpha = state.selection && !state.selection[row] ? 0.35 : 1;
      context.fillRect(x - BORDER, y - BORDER, width + 2 * BORDER, height + 2 * BORDER);
      context.imageSmoothingEnabled = picture.classList.contains("smooth");
      context.drawImage(picture, x, y, width, height);
    }
    context.globalAlpha = 1;
    return placed.length;
  };
}
