/*
 * Uploaded rows: a dropped or chosen file, or a drawing. The page places rows that it can read at once.
 * A server then reads them, and adds their reconstructions and scores or shows an error message.
 */

import { byId, closeNotice, context2d, createButton, createElement, find, reveal, showNotice } from "./dom.js";
import { withoutAlpha } from "./exported_data.js";
import { formatWhole } from "./format.js";
import { encoderMessage, loadEncoder, pictureRow, readRows } from "./new_rows.js";
import { formatPosition } from "./panel.js";
import { comparisonElement, factsElement, rowButtons, scoreFacts } from "./rows.js";
import { imageSize, isExported, scene } from "./scene.js";
import { addShortcut } from "./shortcuts.js";
import { latestOnly, onChange, setState, state } from "./state.js";

/** @import { GoToRow, Picture, Upload, PlaceFile, Point, Source } from "./types.js" */

const PAD_SIZE = 224; // Longer side of the drawing pad, in pixels.
const PEN_WIDTH = PAD_SIZE / 12;
const MAX_FILE_BYTES = 32 * 2 ** 20; // Limit of an exported file; a server states its own.

/**
 * Show the uploaded rows. Return the function that places the rows of a file on the map.
 * @param {Source} source @param {GoToRow} goTo @returns {PlaceFile}
 */
export function installPlacedRows(source, goTo) {
  const section = byId("upload");

  const show = latestOnly(async (/** @type {Upload} */ upload) => {
    const { similar, distances } = upload.rows[upload.current];
    const buttons = await rowButtons(source, similar, distances, goTo);
    if (state.upload !== upload) return;
    showPlacedRow(section, upload, buttons);
    if (byId("drawing").hidden) reveal(section);
  });

  find(section, ".close").onclick = () => setState({ upload: null });
  onChange(["upload"], () => {
    section.hidden = !state.upload;
    if (state.upload) show(state.upload);
  });
  return latestOnly(async ({ file, name, title }) => {
    try {
      await previewFile(source, name, file);
      const placement = await source.place(name, file);
      setState({ upload: { ...placement, title, current: 0 } });
    } finally {
      setState({ previewPoints: [] });
    }
    closeNotice();
  });
}

/** Whether the page can place rows. */
const canPlace = !isExported || scene.encoder !== null;

/**
 * Mark the rows of a file on the map before the server returns them, if the page can read the file.
 * @param {Source} source @param {string} name @param {Blob} file
 */
async function previewFile(source, name, file) {
  if (isExported || !scene.encoder) return;
  const newRows = await readRows(name, file).catch(() => null); // If the page cannot read a file, the server reads it.
  if (!newRows) return;
  const placeRow = await loadEncoder(source);
  setState({ previewPoints: newRows.rows.map(({ numbers }) => placeRow(numbers)) });
}

/** @param {HTMLElement} section @param {Upload} upload @param {HTMLElement} similarRows */
function showPlacedRow(section, upload, similarRows) {
  const row = upload.rows[upload.current];
  const note = upload.note ? [createElement("p", { className: "note" }, upload.note)] : [];
  find(section, "h2").replaceChildren("Your rows", createElement("span", { className: "quiet" }, upload.title));
  find(section, ".body").replaceChildren(
    ...note,
    ...(upload.rows.length > 1 ? [stepper(upload)] : []),
    comparisonElement(row.original, row.reconstruction),
    factsElement([...scoreFacts(row), ["position", formatPosition(row.point)]]),
    createElement("h3", {}, "Most similar"),
    similarRows,
  );
}

/** Return buttons for the previous and the next row of a file. @param {Upload} upload */
function stepper(upload) {
  const { length } = upload.rows;
  const stepButton = (/** @type {string} */ text, /** @type {string} */ title, /** @type {number} */ step) => {
    const current = (upload.current + step + length) % length;
    const onclick = () => setState({ upload: { ...upload, current } });
    return createButton({ className: "button icon", title, ariaLabel: title, onclick }, text);
  };
  const total = upload.total > length ? ` (the first of ${formatWhole(upload.total)} rows)` : "";
  return createElement(
    "div",
    { className: "stepper" },
    stepButton("‹", "Previous row", -1),
    createElement("span", {}, `${upload.current + 1} of ${formatWhole(length)}${total}`),
    stepButton("›", "Next row", 1),
  );
}

/**
 * Place the rows of a file that the user drops on the page or chooses with the button.
 * @param {PlaceFile} placeFile
 */
export function installFileUpload(placeFile) {
  const dropTarget = byId("drop");
  const chooser = byId("file", HTMLInputElement);
  const upload = (/** @type {File | undefined} */ file) => {
    const limit = scene.max_upload_bytes ?? MAX_FILE_BYTES;
    if (file && file.size > limit) {
      showNotice(`${file.name}: expected at most ${formatWhole(limit)} bytes, found ${formatWhole(file.size)}.`);
    } else if (file) placeFile({ file, name: file.name, title: file.name });
  };
  addShortcut("o", "Open a file of rows and place them on the map", () => byId("open").click());
  byId("open").onclick = () => (canPlace ? chooser.click() : showNotice(encoderMessage()));
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

/** Install the drawing pad if rows are grey images. @param {Source} source @param {PlaceFile} placeFile */
export function installDrawing(source, placeFile) {
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

  let isPressed = false;
  const preview = latestOnly(async (/** @type {HTMLCanvasElement} */ canvas) => {
    if (!scene.encoder) return;
    const placeRow = await loadEncoder(source);
    if (isPressed) setState({ previewPoints: [placeRow(pictureRow(drawnPicture(canvas, height, width)).numbers)] });
    await new Promise(requestAnimationFrame);
  });

  pad.onpointerdown = (event) => {
    pad.setPointerCapture(event.pointerId);
    isPressed = true;
    context.beginPath();
    context.moveTo(...pixelOnPad(pad, event));
    draw(event);
  };
  pad.onpointermove = (event) => {
    if (!pad.hasPointerCapture(event.pointerId)) return;
    draw(event);
    preview(pad);
  };
  pad.onpointercancel = () => {
    isPressed = false;
    setState({ previewPoints: [] });
  };
  pad.onpointerup = () => {
    isPressed = false;
    placeFile({ file: portableGreyMap(drawnPicture(pad, height, width)), name: "drawing.pgm", title: "your drawing" });
  };

  clear();
  byId("pad-clear").onclick = () => {
    clear();
    setState({ upload: null });
  };
  find(section, ".close").onclick = () => { section.hidden = true; };
  byId("draw").hidden = false;
  addShortcut("d", "Draw a row and place it on the map", () => byId("draw").click());
  byId("draw").onclick = () => {
    if (!canPlace) return showNotice(encoderMessage());
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
 * Return the drawing, averaged to the size of a row.
 * @param {HTMLCanvasElement} pad @param {number} height @param {number} width @returns {Picture}
 */
function drawnPicture(pad, height, width) {
  const context = context2d(createElement("canvas", { width, height }), { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(pad, 0, 0, width, height);
  return { height, width, channels: 1, data: withoutAlpha(context.getImageData(0, 0, width, height).data, 1) };
}

/** Return a grey picture as a PGM file. @param {Picture} picture */
const portableGreyMap = ({ height, width, data }) =>
  new Blob([`P5\n${width} ${height}\n255\n`, /** @type {Uint8Array<ArrayBuffer>} */ (data)]);
