/*
 * The points' places. They are kept twice: in the order of the rows, to be looked up; and shuffled
 * once, to be drawn, for rows often come sorted by label and the last label would cover the others.
 */

class Cloud {
  /**
   * @param {ArrayBuffer} bytes  uint16 pairs (x, y) over bounds
   * @param {number[]} bounds  [x0, y0, x1, y1]
   */
  constructor(bytes, bounds) {
    const pairs = new Uint16Array(bytes);
    this.size = pairs.length / 2;
    this.x = spread(pairs, 0, bounds[0], bounds[2]);
    this.y = spread(pairs, 1, bounds[1], bounds[3]);
    this.order = shuffled(this.size);
    this.drawnX = gather(this.x, this.order);
    this.drawnY = gather(this.y, this.order);
  }
}

function spread(pairs, first, low, high) {
  const values = new Float32Array(pairs.length / 2);
  const step = (high - low) / 65535;
  for (let i = 0; i < values.length; i++) values[i] = low + pairs[2 * i + first] * step;
  return values;
}

/** The values of an array in another order. */
function gather(values, order) {
  const taken = new values.constructor(order.length);
  for (let k = 0; k < order.length; k++) taken[k] = values[order[k]];
  return taken;
}

/** 0…count-1 in an order that looks random and is the same every time (Fisher–Yates, mulberry32). */
function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let seed = 1;
  for (let i = count - 1; i > 0; i--) {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const other = ((mixed ^ (mixed >>> 14)) >>> 0) % (i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}
