/*
 * The layer of points: the canvas under everything. Size and strength of a point depend on how many
 * there are and how close one looks, so that 150 rows are easy to hit and 70,000 do not run into a
 * blob.
 */

const MARGIN = 32; // pixels beyond every edge, for discs that are cut by it
const FAINT = 0.16; // strength of points that are not selected, beside the others

/**
 * Radius in CSS pixels and alpha of a point.
 * @param {number} count  of points
 * @param {number} area  of the whole map at this zoom's start, in square CSS pixels
 * @param {number} zoom  1 shows the whole map
 */
function pointLook(count, area, zoom) {
  const apart = Math.sqrt(area / Math.max(1, count));
  const radius = Math.min(7, Math.max(0.85, 0.36 * Math.min(apart, 11) * zoom ** 0.5));
  const alpha = Math.min(0.92, 0.5 + 0.12 * apart * Math.sqrt(zoom) / 2);
  return { radius, alpha };
}

class PointsLayer {
  #canvas;
  #context;
  #cloud;
  #image = null;
  #codes = null;
  #codesOf = null;
  #mask = null;
  #maskOf = null;

  constructor(canvas, cloud) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#cloud = cloud;
  }

  /** @param {View} view @param {number} ratio  pixels a CSS pixel */
  draw(view, ratio, groundColour) {
    const ground = this.#ground(view, ratio);
    ground.pixels.fill(pixelOf(rgbOf(groundColour)));
    const colours = state.get("colours");
    if (colours) this.#drawPoints(ground, view, ratio, colours);
    this.#context.putImageData(this.#image, -MARGIN, -MARGIN);
  }

  #ground(view, ratio) {
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (this.#canvas.width !== width || this.#canvas.height !== height || this.#image === null) {
      Object.assign(this.#canvas, { width, height });
      this.#image = new ImageData(width + 2 * MARGIN, height + 2 * MARGIN);
    }
    const pixels = new Uint32Array(this.#image.data.buffer);
    return { pixels, stride: this.#image.width, lines: this.#image.height };
  }

  #drawPoints(ground, view, ratio, colours) {
    const points = {
      x: this.#cloud.drawnX,
      y: this.#cloud.drawnY,
      codes: this.#shuffledCodes(colours.codes),
      table: pixelTable(colours, state.get("hidden"), state.get("theme")),
    };
    const scale = view.scale * ratio;
    const transform = {
      scale,
      left: MARGIN + (view.width / 2) * ratio - view.x * scale,
      top: MARGIN + (view.height / 2) * ratio + view.y * scale,
    };
    const { radius, alpha } = this.look(view);
    const stamps = (strength) => discStamps(radius * ratio, strength, ground.stride);
    const mask = this.#shuffledMask(state.get("selected"));
    if (mask === null) {
      splat(ground, points, transform, stamps(alpha), null, 1);
    } else {
      splat(ground, points, transform, stamps(alpha * FAINT), mask, 0);
      splat(ground, points, transform, stamps(alpha), mask, 1);
    }
  }

  look(view) {
    const { scale } = view.whole();
    const [x0, y0, x1, y1] = scene.bounds;
    const area = 0.5 * scale * scale * (x1 - x0) * (y1 - y0);
    return pointLook(this.#cloud.size, area, view.zoom);
  }

  #shuffledCodes(codes) {
    if (this.#codesOf !== codes) this.#codes = gather(codes, this.#cloud.order);
    this.#codesOf = codes;
    return this.#codes;
  }

  #shuffledMask(mask) {
    if (this.#maskOf !== mask) this.#mask = mask && gather(mask, this.#cloud.order);
    this.#maskOf = mask;
    return this.#mask;
  }
}
