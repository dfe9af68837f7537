/*
 * Many small pictures packed into few large ones: WebP shares what they have in common, and the
 * browser decodes a sheet of 1,024 in some milliseconds. A sheet is decoded when one of its tiles
 * is first looked at; the sheets used longest ago are given back.
 */

class Sheets {
  #layout;
  #prefix;
  #kept = new Map();
  #capacity;

  /**
   * @param {{rows: number, columns: number, height: number, width: number, type: string}} layout
   * @param {string} prefix  the sheets are the buffers `prefix-0`, `prefix-1`, …
   * @param {number} capacity  how many decoded sheets are kept
   */
  constructor(layout, prefix, capacity) {
    this.#layout = layout;
    this.#prefix = prefix;
    this.#capacity = capacity;
  }

  /** The i-th picture. @returns {Promise<Picture>} */
  async tile(i) {
    const { rows, columns, height, width } = this.#layout;
    const sheet = await this.sheet(Math.floor(i / rows));
    const place = i % rows;
    const left = (place % columns) * width;
    const top = Math.floor(place / columns) * height;
    return { height, width, channels: sheet.channels, data: cutTile(sheet, left, top, height, width) };
  }

  /** @returns {Promise<Picture>} a whole sheet, the same promise as long as it is kept */
  sheet(k) {
    const known = this.#kept.get(k);
    this.#kept.delete(k);
    this.#kept.set(k, known ?? decodeSheet(`${this.#prefix}-${k}`, this.#layout.type));
    if (this.#kept.size > this.#capacity) this.#kept.delete(this.#kept.keys().next().value);
    return this.#kept.get(k);
  }
}

async function decodeSheet(name, type) {
  const blob = new Blob([await embedded(name)], { type });
  const image = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  image.close();
  const { channels } = scene.row;
  const data = withoutAlpha(context.getImageData(0, 0, width, height).data, channels);
  return { height, width, channels, data };
}

/** RGBA bytes to grey or RGB ones. */
function withoutAlpha(rgba, channels) {
  const data = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let channel = 0; channel < channels; channel++) data[to++] = rgba[from + channel];
  }
  return data;
}

function cutTile(sheet, left, top, height, width) {
  const { channels } = sheet;
  const data = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * sheet.width + left) * channels;
    data.set(sheet.data.subarray(start, start + width * channels), y * width * channels);
  }
  return data;
}
