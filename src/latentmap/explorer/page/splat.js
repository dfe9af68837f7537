/*
 * Points to pixels without a graphics card. Each point adds a small disc to an array of pixels; the
 * disc's alphas are computed once for 4 × 4 places within a pixel, so that points glide instead of
 * jumping from pixel to pixel. 70,000 points take a few milliseconds, where a canvas's own arcs
 * would take half a second.
 */

const PHASES = 4;

/**
 * @typedef {Object} Stamps
 * @property {number} reach  a disc's first pixel is this far left of and above its centre
 * @property {Int32Array} starts  where each phase's pixels start
 * @property {Int32Array} offsets  of the pixels, from the disc's first
 * @property {Uint16Array} alphas  0–256
 */

/**
 * @param {number} radius  in pixels
 * @param {number} alpha  0–1
 * @param {number} stride  pixels a line
 * @returns {Stamps}
 */
function discStamps(radius, alpha, stride) {
  const reach = radius + 1;
  const size = Math.ceil(2 * radius + 3);
  const [starts, offsets, alphas] = [[0], [], []];
  for (let phase = 0; phase < PHASES * PHASES; phase++) {
    const x = reach + ((phase % PHASES) + 0.5) / PHASES;
    const y = reach + (Math.floor(phase / PHASES) + 0.5) / PHASES;
    for (let place = 0; place < size * size; place++) {
      const [across, down] = [place % size, Math.floor(place / size)];
      const distance = Math.hypot(across + 0.5 - x, down + 0.5 - y);
      const cover = Math.round(256 * alpha * Math.min(1, Math.max(0, radius + 0.5 - distance)));
      if (cover === 0) continue;
      offsets.push(down * stride + across);
      alphas.push(cover);
    }
    starts.push(offsets.length);
  }
  return {
    reach,
    starts: Int32Array.from(starts),
    offsets: Int32Array.from(offsets),
    alphas: Uint16Array.from(alphas),
  };
}

/**
 * Lay the discs of points over the pixels.
 * @param {{pixels: Uint32Array, stride: number, lines: number}} ground
 * @param {{x: Float32Array, y: Float32Array, codes: Uint16Array, table: Uint32Array}} points
 * @param {{scale: number, left: number, top: number}} transform  plane to pixels; y turns over
 * @param {Stamps} stamps
 * @param {?Uint8Array} mask  draw only where it is `wanted`; null draws all
 * @param {number} wanted
 */
function splat(ground, points, transform, stamps, mask, wanted) {
  const { pixels, stride } = ground;
  const { x, y, codes, table } = points;
  const { starts, offsets, alphas, reach } = stamps;
  const { scale } = transform;
  const left = transform.left - reach;
  const top = transform.top - reach;
  const right = stride - 2 * reach - 3;
  const bottom = ground.lines - 2 * reach - 3;
  for (let i = 0; i < x.length; i++) {
    if (mask !== null && mask[i] !== wanted) continue;
    const colour = table[codes[i]];
    if (colour === HIDDEN) continue;
    const across = left + x[i] * scale;
    const down = top - y[i] * scale;
    if (!(across >= 0 && down >= 0 && across < right && down < bottom)) continue;
    const column = across | 0;
    const line = down | 0;
    const phase = (((across - column) * PHASES) | 0) + PHASES * (((down - line) * PHASES) | 0);
    const first = line * stride + column;
    const redBlue = colour & 0xff00ff;
    const green = colour & 0xff00;
    const end = starts[phase + 1];
    for (let k = starts[phase]; k < end; k++) {
      const at = first + offsets[k];
      const over = alphas[k];
      const under = 256 - over;
      const old = pixels[at];
      pixels[at] =
        0xff000000 |
        (((Math.imul(redBlue, over) + Math.imul(old & 0xff00ff, under)) >>> 8) & 0xff00ff) |
        (((Math.imul(green, over) + Math.imul(old & 0xff00, under)) >>> 8) & 0xff00);
    }
  }
}
