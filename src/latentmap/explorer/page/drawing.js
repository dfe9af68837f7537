/*
 * A pad to draw a row on. One draws on a large canvas with a round pen; what is sent is the drawing
 * averaged down to the row's own pixels, as a scanner would give it. Each stroke's end places it anew.
 */

const PAD_SIDE = 224; // canvas pixels of the longer side
const PEN = 1 / 12; // of the longer side

/** @param {function(string, Blob, string): void} place */
function installDrawing(place) {
  const section = byId("drawing");
  const pad = byId("pad");
  const { height, width } = scene.row;
  const shrink = PAD_SIDE / Math.max(height, width);
  Object.assign(pad, { width: Math.round(width * shrink), height: Math.round(height * shrink) });
  const context = pad.getContext("2d", { willReadFrequently: true });

  function clear() {
    context.fillStyle = "black";
    context.fillRect(0, 0, pad.width, pad.height);
  }

  pad.onpointerdown = (event) => {
    pad.setPointerCapture(event.pointerId);
    context.beginPath();
    context.moveTo(...placeOnPad(pad, event));
    stroke(event);
  };
  pad.onpointermove = (event) => {
    if (pad.hasPointerCapture(event.pointerId)) stroke(event);
  };
  pad.onpointerup = () => place("drawing.pgm", greyMap(pad, height, width), "your drawing");

  function stroke(event) {
    Object.assign(context, { strokeStyle: "white", lineCap: "round", lineJoin: "round", lineWidth: PEN * PAD_SIDE });
    context.lineTo(...placeOnPad(pad, event));
    context.stroke();
  }

  clear();
  byId("pad-clear").onclick = () => {
    clear();
    state.set({ placed: null });
  };
  section.querySelector(".close").onclick = () => { section.hidden = true; };
  byId("draw").hidden = false;
  byId("draw").onclick = () => {
    if (fromFile) return showNotice(NEEDS_SERVER);
    section.hidden = false;
    return reveal(section);
  };
}

function placeOnPad(pad, event) {
  const frame = pad.getBoundingClientRect();
  return [
    ((event.clientX - frame.left) * pad.width) / frame.width,
    ((event.clientY - frame.top) * pad.height) / frame.height,
  ];
}

/** The pad averaged down to height × width pixels, as a PGM file. */
function greyMap(pad, height, width) {
  const small = new OffscreenCanvas(width, height).getContext("2d");
  small.imageSmoothingQuality = "high";
  small.drawImage(pad, 0, 0, width, height);
  const grey = withoutAlpha(small.getImageData(0, 0, width, height).data, 1);
  return new Blob([`P5\n${width} ${height}\n255\n`, grey]);
}
