/*
 * Rows of the user: a dropped or chosen file, or a drawing. The server reads and places them, or
 * explains in one sentence why it cannot.
 */

import { byId, closeNotice, context2d, createButton, createElement, find, reveal, showNotice } from "./dom.js";
import { withoutAlpha } from "./embedded.js";
import { formatWhole } from "./format.js";
import { formatPosition } from "./panel.js";
import { comparisonElement, factsElement, rowButtons, scoreFacts } from "./rows.js";
import { imageSize, isExported, scene } from "./scene.js";
import { NEEDS_SERVER } from "./sources.js";
import { latestOnly, onChange, setState, state } from "./state.js";

/** @import { GoToRow, Placed, PlaceFile, Point, Source } from "./types.js" */

const PAD_SIZE = 224; // canvas pixels of the longer side
const PEN_WIDTH = PAD_SIZE / 12;

/**
 * Show placed rows, and return the function that places a file.
 * @param {Source} source @param {GoToRow} goTo @returns {PlaceFile}
 */
export function installPlacedRows(source, goTo) {
  const section = byId("placed");

  const show = latestOnly(async (/** @type {Placed} */ placed) => {
    const { similar, distances } = placed.rows[placed.current];
    const buttons = await rowButtons(source, similar, distances, goTo);
    if (state.placed !== placed) return;
    showPlacedRow(section, placed, buttons);
    if (byId("drawing").hidden) reveal(section);
  });

  find(section, ".close").onclick = () => setState({ placed: null });
  onChange(["placed"], () => {
    section.hidden = !state.placed;
    if (state.placed) show(state.placed);
  });
  return latestOnly(async ({ file, name, title }) => {
    const placement = await source.place(name, file);
    setState({ placed: { ...placement, title, current: 0 } });
    closeNotice();
  });
}

/** @param {HTMLElement} section @param {Placed} placed @param {HTMLElement} similarRows */
function showPlacedRow(section, placed, similarRows) {
  const row = placed.rows[placed.current];
  const note = placed.note ? [createElement("p", { className: "note" }, placed.note)] : [];
  find(section, "h2").replaceChildren("Your rows", createElement("span", { className: "quiet" }, placed.title));
  find(section, ".body").replaceChildren(
    ...note,
    ...(placed.rows.length > 1 ? [stepper(placed)] : []),
    comparisonElement(row.original, row.reconstruction),
    factsElement([...scoreFacts(row), ["position", formatPosition(row.point)]]),
    createElement("h3", {}, "Most similar"),
    similarRows,
  );
}

/** Return buttons that step through several placed rows. @param {Placed} placed */
function stepper(placed) {
  const { length } = placed.rows;
  const stepButton = (/** @type {string} */ text, /** @type {string} */ title, /** @type {number} */ step) => {
    const current = (placed.current + step + length) % length;
    const onclick = () => setState({ placed: { ...placed, current } });
    return createButton({ className: "button icon", title, ariaLabel: title, onclick }, text);
  };
  const total = placed.total > length ? ` (the first of ${formatWhole(placed.total)} rows)` : "";
  return createElement(
    "div",
    { className: "stepper" },
    stepButton("‹", "Previous row", -1),
    createElement("span", {}, `${placed.current + 1} of ${formatWhole(length)}${total}`),
    stepButton("›", "Next row", 1),
  );
}

/**
 * Place a file that is dropped on the page or chosen with the button.
 * @param {PlaceFile} placeFile
 */
export function installFileUpload(placeFile) {
  const dropTarget = byId("drop");
  const chooser = byId("file", HTMLInputElement);
  const upload = (/** @type {File | undefined} */ file) => {
    const limit = scene.max_upload_bytes ?? Infinity;
    if (file && file.size > limit) {
      showNotice(`${file.name}: expected at most ${formatWhole(limit)} bytes, found ${formatWhole(file.size)}.`);
    } else if (file) placeFile({ file, name: file.name, title: file.name });
  };
  byId("open").onclick = () => (isExported ? showNotice(NEEDS_SERVER) : chooser.click());
  chooser.onchange = () => {
    upload(chooser.files?.[0]);
    chooser.value = "";
  };
  addEventListener("dragover", (event) => {
    event.preventDefault();
    dropTarget.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) dropTarget.hidden = true;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    dropTarget.hidden = true;
    upload(event.dataTransfer?.files[0]);
  });
}

/** If rows are grey images, let the user draw one, and place it after each stroke. @param {PlaceFile} placeFile */
export function installDrawing(placeFile) {
  if (imageSize?.channels !== 1) return;
  const { height, width } = imageSize;
  const section = byId("drawing");
  const pad = byId("pad", HTMLCanvasElement);
  const enlargement = PAD_SIZE / Math.max(height, width);
  Object.assign(pad, { width: Math.round(width * enlargement), height: Math.round(height * enlargement) });
  const context = context2d(pad, { willReadFrequently: true });

  const clear = () => {
    context.fillStyle = "black";
    context.fillRect(0, 0, pad.width, pad.height);
  };

  const draw = (/** @type {PointerEvent} */ event) => {
    Object.assign(context, { strokeStyle: "white", lineCap: "round", lineJoin: "round", lineWidth: PEN_WIDTH });
    context.lineTo(...pixelOnPad(pad, event));
    context.stroke();
  };

  pad.onpointerdown = (event) => {
    pad.setPointerCapture(event.pointerId);
    context.beginPath();
    context.moveTo(...pixelOnPad(pad, event));
    draw(event);
  };
  pad.onpointermove = (event) => {
    if (pad.hasPointerCapture(event.pointerId)) draw(event);
  };
  pad.onpointerup = () =>
    placeFile({ file: portableGreyMap(pad, height, width), name: "drawing.pgm", title: "your drawing" });

  clear();
  byId("pad-clear").onclick = () => {
    clear();
    setState({ placed: null });
  };
  find(section, ".close").onclick = () => { section.hidden = true; };
  byId("draw").hidden = false;
  byId("draw").onclick = () => {
    if (isExported) return showNotice(NEEDS_SERVER);
    section.hidden = false;
    return reveal(section);
  };
}

/** @param {HTMLCanvasElement} pad @param {PointerEvent} event @returns {Point} */
function pixelOnPad(pad, event) {
  const frame = pad.getBoundingClientRect();
  return [
    ((event.clientX - frame.left) * pad.width) / frame.width,
    ((event.clientY - frame.top) * pad.height) / frame.height,
  ];
}

/**
 * Return the drawing, averaged to the size of a row, as a PGM file.
 * @param {HTMLCanvasElement} pad @param {number} height @param {number} width
 */
function portableGreyMap(pad, height, width) {
  const context = context2d(createElement("canvas", { width, height }), { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(pad, 0, 0, width, height);
  const pixels = withoutAlpha(context.getImageData(0, 0, width, height).data, 1);
  return new Blob([`P5\n${width} ${height}\n255\n`, pixels]);
}
