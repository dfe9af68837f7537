/*
 * The layer over the points: names at their places, rings around rows, the walk, the outline being
 * drawn. It is drawn anew whenever one of them changes, which leaves the points alone.
 */

class Overlay {
  #canvas;
  #context;
  #view;
  #cloud;
  #places = [];

  constructor(canvas, view, cloud) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#view = view;
    this.#cloud = cloud;
    state.on(["colours"], () => {
      this.#places = namePlaces(state.get("colours"), cloud);
    });
  }

  draw(ratio) {
    const { width, height } = this.#view;
    const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    if (this.#canvas.width !== size.width || this.#canvas.height !== size.height) {
      Object.assign(this.#canvas, size);
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    const ink = { ink: look("--ink"), ground: look("--map"), accent: look("--accent") };
    this.#drawNames(ink);
    this.#drawRows(ink);
    this.#drawWalk(ink);
    this.#drawOutline(ink);
    this.#drawPlaced(ink);
    if (state.get("reader") === "cross" && state.get("spot")) this.#drawCross(ink);
  }

  /** Names that would lie over a larger category's are left out. */
  #drawNames({ ink, ground }) {
    const context = this.#context;
    Object.assign(context, {
      font: `600 14px ${look("--font")}`,
      textAlign: "center",
      textBaseline: "middle",
      lineJoin: "round",
      lineWidth: 4,
      strokeStyle: ground,
      fillStyle: ink,
    });
    const taken = [];
    for (const { value, text, x, y } of this.#places) {
      if (state.get("hidden").has(value)) continue;
      const shown = text.length > 24 ? `${text.slice(0, 23)}…` : text;
      const [left, top] = this.#view.toScreen(x, y);
      const half = context.measureText(shown).width / 2 + 4;
      const box = [left - half, top - 10, left + half, top + 10];
      if (taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      context.strokeText(shown, left, top);
      context.fillText(shown, left, top);
    }
  }

  #ring([left, top], radius, width, colour) {
    const context = this.#context;
    context.beginPath();
    context.arc(left, top, radius, 0, 2 * Math.PI);
    Object.assign(context, { lineWidth: width, strokeStyle: colour });
    context.stroke();
  }

  #spotOf(i) {
    return this.#view.toScreen(this.#cloud.x[i], this.#cloud.y[i]);
  }

  #drawRows({ ink, ground, accent }) {
    const [hovered, picked] = [state.get("hovered"), state.get("picked")];
    if (picked >= 0) {
      this.#ring(this.#spotOf(picked), 8, 5, ground);
      this.#ring(this.#spotOf(picked), 8, 2.5, accent);
    }
    if (hovered >= 0 && hovered !== picked) {
      this.#ring(this.#spotOf(hovered), 6, 3.5, ground);
      this.#ring(this.#spotOf(hovered), 6, 1.5, ink);
    }
  }

  #line(spots, closed) {
    const context = this.#context;
    context.beginPath();
    for (const spot of spots) context.lineTo(...this.#view.toScreen(...spot));
    if (closed) context.closePath();
  }

  #drawWalk({ ground, accent }) {
    const ends = state.get("walk");
    if (ends.length === 0) return;
    const spot = state.get("spot");
    const context = this.#context;
    this.#line(ends.length === 1 && spot ? [...ends, spot] : ends, false);
    Object.assign(context, { lineWidth: 5, strokeStyle: ground });
    context.stroke();
    Object.assign(context, { lineWidth: 2, strokeStyle: accent });
    context.setLineDash(ends.length === 1 ? [4, 4] : []);
    context.stroke();
    context.setLineDash([]);
    ends.forEach((end, k) => this.#drawBadge(this.#view.toScreen(...end), "AB"[k], accent, ground));
  }

  #drawBadge([left, top], letter, colour, ground) {
    const context = this.#context;
    context.beginPath();
    context.arc(left, top, 10, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: colour, strokeStyle: ground, lineWidth: 2 });
    context.fill();
    context.stroke();
    Object.assign(context, { fillStyle: ground, font: `600 11px ${look("--font")}` });
    context.fillText(letter, left, top + 0.5);
  }

  #drawOutline({ accent }) {
    const outline = state.get("drawn");
    if (!outline) return;
    const context = this.#context;
    this.#line(outline, true);
    Object.assign(context, { lineWidth: 1.5, strokeStyle: accent, fillStyle: accent });
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 1;
    context.stroke();
  }

  #drawPlaced({ ground, accent }) {
    const placed = state.get("placed");
    placed?.rows.forEach((row, k) => {
      const place = this.#view.toScreen(...row.spot);
      const radius = k === placed.at ? 9 : 5;
      this.#drawStar(place, radius, accent, ground);
    });
  }

  #drawStar([left, top], radius, colour, ground) {
    const context = this.#context;
    context.beginPath();
    for (let k = 0; k < 10; k++) {
      const angle = (Math.PI * k) / 5 - Math.PI / 2;
      const reach = radius * (k % 2 ? 0.52 : 1.25);
      context.lineTo(left + reach * Math.cos(angle), top + reach * Math.sin(angle));
    }
    context.closePath();
    Object.assign(context, { fillStyle: colour, strokeStyle: ground, lineWidth: 4, lineJoin: "round" });
    context.stroke();
    context.fill();
  }

  #drawCross({ ink, ground }) {
    const [left, top] = this.#view.toScreen(...state.get("spot"));
    const context = this.#context;
    for (const [width, colour] of [[5, ground], [1.5, ink]]) {
      context.beginPath();
      for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(left + 5 * x, top + 5 * y);
        context.lineTo(left + 14 * x, top + 14 * y);
      }
      Object.assign(context, { lineWidth: width, strokeStyle: colour });
      context.stroke();
    }
  }
}

/** Whether two boxes [left, top, right, bottom] share a place. */
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
