/*
 * The map: the scatter plot and, on a second canvas, category names, marks of rows, the path of the
 * interpolation, and the outline of a selection. A canvas is drawn after a change, at most once a
 * frame.
 */

import { contourPaths } from "./contours.js";
import { byId, context2d, cssVariable } from "./dom.js";
import { createNames } from "./map_names.js";
import { createScatterLayer } from "./scatter.js";
import { scene } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { onChange, setState, state } from "./state.js";
import { createThumbnails } from "./thumbnails.js";

/** @import { Points } from "./points.js" */
/** @import { Neighborhood, Point, Source } from "./types.js" */
/** @import { View } from "./view.js" */

const MAX_PIXEL_RATIO = 2; // More pixels take time without a visible difference.
const BORDER = 2.5; // Width of the border of a line, both sides together, in CSS pixels.

/**
 * Draw the map now and after each change. Return a function that adapts it to the size of the window.
 * @param {HTMLElement} section @param {Source} source @param {View} view @param {Points} points
 */
export function installMap(section, source, view, points) {
  const drawScatter = createScatterLayer(byId("points", HTMLCanvasElement), points);
  const drawThumbnails = createThumbnails(source, view, points, () => scheduleOverlay());
  const drawNames = createNames(source, view, points, () => scheduleOverlay());
  const drawOverlay = createOverlay(byId("overlay", HTMLCanvasElement), view, points, drawThumbnails, drawNames);
  let scatterChanged = true;
  let isScheduled = false;

  function draw() {
    isScheduled = false;
    const ratio = Math.min(MAX_PIXEL_RATIO, devicePixelRatio);
    if (scatterChanged) drawScatter(view, ratio);
    drawOverlay(ratio);
    scatterChanged = false;
  }

  function scheduleOverlay() {
    if (!isScheduled) requestAnimationFrame(draw);
    isScheduled = true;
  }

  function scheduleAll() {
    scatterChanged = true;
    scheduleOverlay();
  }

  view.onChange(scheduleAll);
  onChange(["colors", "hiddenCategories", "selection", "passing", "matches", "theme"], scheduleAll);
  onChange(["contours", "position", "cursor", "hoveredRow", "pickedRow", "neighborhood", "outline", "path", "upload", "previewPoints"], scheduleOverlay);
  const toggleContours = () => setState({ contours: !state.contours });
  byId("contours").onclick = toggleContours;
  addShortcut("c", "Show or hide density contours", toggleContours);
  onChange(["contours"], () => byId("contours").setAttribute("aria-pressed", String(state.contours)));
  const resize = () => view.resize(section.clientWidth, section.clientHeight, insetOf(section));
  new ResizeObserver(resize).observe(section);
  resize();
  return resize;
}

/**
 * Return the widths of the edges that the legend and the toolbar cover. In a narrow map, such as on a
 * phone, the points may be below the legend if this leaves more space.
 * @param {HTMLElement} section
 */
function insetOf({ clientWidth, clientHeight }) {
  const legend = byId("legend");
  const insetBeside = { left: legend.hidden ? 24 : legend.offsetWidth + 32, right: 76, top: 20, bottom: 20 };
  const insetBelow = { left: 12, right: 60, top: legend.offsetHeight + 16, bottom: 28 };
  const space = (/** @type {typeof insetBeside} */ { left, right, top, bottom }) =>
    Math.min(clientWidth - left - right, clientHeight - top - bottom);
  return clientWidth <= 640 && space(insetBelow) > space(insetBeside) ? insetBelow : insetBeside;
}

/**
 * Return the function that draws the upper canvas. Shapes have a border in the colour of the map, so
 * that they are visible on top of points.
 * @param {HTMLCanvasElement} canvas @param {View} view @param {Points} points
 * @param {(context: CanvasRenderingContext2D) => number} drawThumbnails
 * @param {(context: CanvasRenderingContext2D) => void} drawNames
 */
function createOverlay(canvas, view, points, drawThumbnails, drawNames) {
  const context = context2d(canvas);
  const colors = { ink: "", map: "", accent: "" };
  /** @type {Path2D[] | null} */
  let contours = null;
  onChange(["colors", "hiddenCategories", "passing"], () => { contours = null; });

  /** @param {number} ratio */
  function drawContours(ratio) {
    contours ??= contourPaths(points);
    const { width, height, x, y, scale } = view;
    context.setTransform(ratio * scale, 0, 0, -ratio * scale, ratio * (width / 2 - x * scale), ratio * (height / 2 + y * scale));
    contours.forEach((path, k) => {
      Object.assign(context, { strokeStyle: colors.ink, globalAlpha: 0.35 + 0.1 * k, lineWidth: 1.2 / scale });
      context.stroke(path);
    });
    context.globalAlpha = 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /** Stroke the current path. @param {number} width @param {string} color */
  function strokeWithBorder(width, color) {
    Object.assign(context, { lineWidth: width + BORDER, strokeStyle: colors.map });
    context.stroke();
    Object.assign(context, { lineWidth: width, strokeStyle: color });
    context.stroke();
  }

  /** Fill the current path with the accent colour. */
  function fillWithBorder() {
    Object.assign(context, { fillStyle: colors.accent, strokeStyle: colors.map, lineWidth: 4, lineJoin: "round" });
    context.stroke();
    context.fill();
  }

  /** @param {Point} pixel @param {number} radius */
  function traceCircle(pixel, radius) {
    context.beginPath();
    context.arc(...pixel, radius, 0, 2 * Math.PI);
  }

  /** @param {number} row @param {number} radius @param {number} width @param {string} color */
  function drawRing(row, radius, width, color) {
    traceCircle(view.toScreen(...points.positionOf(row)), radius);
    strokeWithBorder(width, color);
  }

  /** @param {Neighborhood} neighborhood */
  function drawNeighborhood({ center, radius }) {
    traceCircle(view.toScreen(...center), radius * view.scale + 6);
    context.setLineDash([5, 4]);
    strokeWithBorder(1.5, colors.accent);
    context.setLineDash([]);
  }

  /** @param {Point[]} corners */
  function tracePolyline(corners) {
    context.beginPath();
    for (const corner of corners) context.lineTo(...view.toScreen(...corner));
  }

  function drawPath() {
    const { path, position } = state;
    const isComplete = path.length === 2;
    tracePolyline(isComplete || !position ? path : [...path, position]);
    context.setLineDash(isComplete ? [] : [4, 4]);
    strokeWithBorder(2, colors.accent);
    context.setLineDash([]);
    path.forEach((end, k) => drawBadge(view.toScreen(...end), "AB"[k]));
  }

  /** @param {Point} pixel @param {string} letter */
  function drawBadge([left, top], letter) {
    traceCircle([left, top], 9);
    fillWithBorder();
    const font = `600 11px ${cssVariable("--font")}`;
    Object.assign(context, { fillStyle: colors.map, font, textAlign: "center", textBaseline: "middle" });
    context.fillText(letter, left, top + 0.5);
  }

  /** @param {Point[]} outline */
  function drawOutline(outline) {
    tracePolyline(outline);
    context.closePath();
    const { accent } = colors;
    Object.assign(context, { lineWidth: 1.5, strokeStyle: accent, fillStyle: accent, globalAlpha: 0.12 });
    context.fill();
    context.globalAlpha = 1;
    context.stroke();
  }

  /** @param {Point} pixel @param {number} radius */
  function drawStar([left, top], radius) {
    context.beginPath();
    for (let k = 0; k < 10; k++) {
      const angle = (Math.PI * k) / 5 - Math.PI / 2;
      const distance = radius * (k % 2 ? 0.52 : 1.25);
      context.lineTo(left + distance * Math.cos(angle), top + distance * Math.sin(angle));
    }
    context.closePath();
    fillWithBorder();
  }

  /** @param {Point} pixel */
  function drawCross([left, top]) {
    context.beginPath();
    for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(left + 5 * x, top + 5 * y);
      context.lineTo(left + 14 * x, top + 14 * y);
    }
    strokeWithBorder(1.5, colors.ink);
  }

  return (/** @type {number} */ ratio) => {
    const { hoveredRow, pickedRow, neighborhood, path, outline, upload, previewPoints, cursor, position } = state;
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    Object.assign(colors, { ink: cssVariable("--ink"), map: cssVariable("--map"), accent: cssVariable("--accent") });
    if (state.contours) drawContours(ratio);
    if (drawThumbnails(context) === 0) drawNames(context);
    if (neighborhood && scene.n_components > 1) drawNeighborhood(neighborhood);
    if (pickedRow >= 0) drawRing(pickedRow, 8, 2.5, colors.accent);
    if (hoveredRow >= 0 && hoveredRow !== pickedRow) drawRing(hoveredRow, 6, 1.5, colors.ink);
    if (path.length > 0) drawPath();
    if (outline) drawOutline(outline);
    for (const point of previewPoints) drawStar(view.toScreen(...point), 5);
    upload?.rows.forEach((row, k) => drawStar(view.toScreen(...row.point), k === upload.current ? 9 : 5));
    if (cursor === "cross" && position) drawCross(view.toScreen(...position));
  };
}
