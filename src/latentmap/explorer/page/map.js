/*
 * The map: the scatter plot and, on a second canvas, category names, marks of rows, the path of the
 * interpolation and the outline being drawn. A canvas is drawn at most once a frame, and only after
 * a change.
 */

import { byId, context2d, cssVariable } from "./dom.js";
import { labelPositions } from "./points.js";
import { ScatterLayer } from "./scatter.js";
import { onChange, state } from "./state.js";

/** @import { Points } from "./points.js" */
/** @import { Point } from "./scene.js" */
/** @import { View } from "./view.js" */

const MAX_PIXEL_RATIO = 2; // more pixels take time and show nothing more
const MAX_LABEL_LENGTH = 24; // characters

/**
 * Draw the map now and after each change; return a function that adapts it to the window's size.
 * @param {HTMLElement} section
 * @param {View} view
 * @param {Points} points
 */
export function installMap(section, view, points) {
  const scatter = new ScatterLayer(byId("points", HTMLCanvasElement), points);
  const overlay = new Overlay(byId("overlay", HTMLCanvasElement), view, points);
  let scatterChanged = true;
  let isScheduled = false;

  function draw() {
    isScheduled = false;
    const ratio = Math.min(MAX_PIXEL_RATIO, devicePixelRatio);
    if (scatterChanged) scatter.draw(view, ratio);
    overlay.draw(ratio);
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

  view.onchange = scheduleAll;
  onChange(["colours", "hidden", "selected", "theme"], scheduleAll);
  onChange(["position", "cursor", "hovered", "picked", "outline", "path", "placed"], scheduleOverlay);
  const resize = () => view.resize(section.clientWidth, section.clientHeight, insetOf(section));
  new ResizeObserver(resize).observe(section);
  resize();
  return resize;
}

/** Return what the legend and the tools cover. On a phone the legend is at the top. @param {HTMLElement} section */
function insetOf(section) {
  const legend = byId("legend");
  if (section.clientWidth <= 640) {
    return { left: 12, right: 60, top: legend.offsetHeight + 16, bottom: 28 };
  }
  return { left: legend.hidden ? 24 : legend.offsetWidth + 32, right: 76, top: 20, bottom: 20 };
}

/** The upper canvas. Every shape is drawn with a border in the colour of the map, to stand out. */
class Overlay {
  #canvas;
  #context;
  #view;
  #points;
  /** @type {ReturnType<typeof labelPositions>} */
  #labels = [];
  #colours = { ink: "", map: "", accent: "" };

  /** @param {HTMLCanvasElement} canvas @param {View} view @param {Points} points */
  constructor(canvas, view, points) {
    this.#canvas = canvas;
    this.#context = context2d(canvas);
    this.#view = view;
    this.#points = points;
    onChange(["colours"], () => { this.#labels = labelPositions(state.colours, points); });
  }

  /** @param {number} ratio  pixels per CSS pixel */
  draw(ratio) {
    const [width, height] = [this.#view.width, this.#view.height].map((size) => Math.round(size * ratio));
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      Object.assign(this.#canvas, { width, height });
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    this.#colours = { ink: cssVariable("--ink"), map: cssVariable("--map"), accent: cssVariable("--accent") };
    this.#drawLabels();
    this.#drawRowMarks();
    this.#drawPath();
    this.#drawOutline();
    this.#drawPlacedRows();
    if (state.cursor === "cross" && state.position) this.#drawCross(state.position);
  }

  /** Draw category names; names that would cover that of a larger category are left out. */
  #drawLabels() {
    const context = this.#context;
    Object.assign(context, {
      font: `600 14px ${cssVariable("--font")}`,
      textAlign: "center",
      textBaseline: "middle",
      lineJoin: "round",
      lineWidth: 4,
      strokeStyle: this.#colours.map,
      fillStyle: this.#colours.ink,
    });
    /** @type {number[][]} */
    const boxes = [];
    for (const { code, text, position } of this.#labels) {
      if (state.hidden.has(code)) continue;
      const label = text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH - 1)}…` : text;
      const [left, top] = this.#view.toScreen(...position);
      const half = context.measureText(label).width / 2 + 4;
      const box = [left - half, top - 10, left + half, top + 10];
      if (boxes.some((other) => overlap(box, other))) continue;
      boxes.push(box);
      context.strokeText(label, left, top);
      context.fillText(label, left, top);
    }
  }

  /** @param {number} row @param {number} radius @param {number} width @param {string} colour */
  #drawRing(row, radius, width, colour) {
    const context = this.#context;
    const [left, top] = this.#view.toScreen(...this.#points.positionOf(row));
    context.beginPath();
    context.arc(left, top, radius, 0, 2 * Math.PI);
    this.#strokeWithBorder(width, colour);
  }

  /** @param {number} width @param {string} colour */
  #strokeWithBorder(width, colour) {
    Object.assign(this.#context, { lineWidth: width + 2.5, strokeStyle: this.#colours.map });
    this.#context.stroke();
    Object.assign(this.#context, { lineWidth: width, strokeStyle: colour });
    this.#context.stroke();
  }

  #drawRowMarks() {
    const { hovered, picked } = state;
    if (picked >= 0) this.#drawRing(picked, 8, 2.5, this.#colours.accent);
    if (hovered >= 0 && hovered !== picked) this.#drawRing(hovered, 6, 1.5, this.#colours.ink);
  }

  /** @param {Point[]} points */
  #tracePolyline(points) {
    this.#context.beginPath();
    for (const point of points) this.#context.lineTo(...this.#view.toScreen(...point));
  }

  #drawPath() {
    const { path, position } = state;
    if (path.length === 0) return;
    const context = this.#context;
    const isComplete = path.length === 2;
    this.#tracePolyline(isComplete || !position ? path : [...path, position]);
    context.setLineDash(isComplete ? [] : [4, 4]);
    this.#strokeWithBorder(2, this.#colours.accent);
    context.setLineDash([]);
    path.forEach((end, k) => this.#drawBadge(this.#view.toScreen(...end), "AB"[k]));
  }

  /** @param {Point} pixel @param {string} letter */
  #drawBadge([left, top], letter) {
    const context = this.#context;
    const { accent, map } = this.#colours;
    context.beginPath();
    context.arc(left, top, 10, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: accent, strokeStyle: map, lineWidth: 2 });
    context.fill();
    context.stroke();
    Object.assign(context, { fillStyle: map, font: `600 11px ${cssVariable("--font")}` });
    context.fillText(letter, left, top + 0.5);
  }

  #drawOutline() {
    if (!state.outline) return;
    const context = this.#context;
    const { accent } = this.#colours;
    this.#tracePolyline(state.outline);
    context.closePath();
    Object.assign(context, { lineWidth: 1.5, strokeStyle: accent, fillStyle: accent, globalAlpha: 0.12 });
    context.fill();
    context.globalAlpha = 1;
    context.stroke();
  }

  #drawPlacedRows() {
    const { placed } = state;
    placed?.rows.forEach((row, k) =>
      this.#drawStar(this.#view.toScreen(...row.spot), k === placed.current ? 9 : 5));
  }

  /** @param {Point} pixel @param {number} radius */
  #drawStar([left, top], radius) {
    const context = this.#context;
    context.beginPath();
    for (let k = 0; k < 10; k++) {
      const angle = (Math.PI * k) / 5 - Math.PI / 2;
      const reach = radius * (k % 2 ? 0.52 : 1.25);
      context.lineTo(left + reach * Math.cos(angle), top + reach * Math.sin(angle));
    }
    context.closePath();
    const { accent, map } = this.#colours;
    Object.assign(context, { fillStyle: accent, strokeStyle: map, lineWidth: 4, lineJoin: "round" });
    context.stroke();
    context.fill();
  }

  /** @param {Point} position */
  #drawCross(position) {
    const [left, top] = this.#view.toScreen(...position);
    const context = this.#context;
    context.beginPath();
    for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(left + 5 * x, top + 5 * y);
      context.lineTo(left + 14 * x, top + 14 * y);
    }
    this.#strokeWithBorder(1.5, this.#colours.ink);
  }
}

/** Return whether two boxes [left, top, right, bottom] overlap. @param {number[]} a @param {number[]} b */
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
