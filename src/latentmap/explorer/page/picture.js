/*
 * Image rows as canvases of exactly their own pixels; the style sheet scales small ones up crisply,
 * and fine ones, which it has to shrink, smoothly. How much data lives where a picture was decoded
 * is shown by how opaque its element is, so that the pixels stay those the model gave.
 */

const FINE = 128; // pixels from which a picture may be shown smaller than it is

/** Paint a picture into a canvas, which takes its size. */
function paintPicture(canvas, { height, width, channels, data }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.classList.toggle("fine", Math.max(height, width) >= FINE);
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; to < image.data.length; from += channels, to += 4) {
    image.data[to] = data[from];
    image.data[to + 1] = data[from + (channels === 3 ? 1 : 0)];
    image.data[to + 2] = data[from + (channels === 3 ? 2 : 0)];
    image.data[to + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** A new canvas with a picture. */
function pictureElement(picture, className = "picture") {
  const canvas = element("canvas", { className });
  paintPicture(canvas, picture);
  return canvas;
}

/** How opaque a decoded row is drawn: never quite gone, so that one sees what was guessed. */
const opacityOf = (density) => 0.18 + 0.82 * Math.min(1, density * 4) ** 0.7;

const EMPTY_BELOW = 0.004;

/** How much data there is, in words. @param {number} density 0–1 */
function densityWords(density) {
  if (density < EMPTY_BELOW) return "no data here";
  if (density < 0.05) return "hardly any data";
  if (density < 0.3) return "some data";
  return "much data";
}
