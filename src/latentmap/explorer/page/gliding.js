/*
 * Moving the view in a fifth of a second instead of at once, so that the eye keeps its place. People
 * who asked their system for less motion get none.
 */

const GLIDE_MS = 180;

let glide = 0;

/**
 * Move the view to where `goal` says, in small steps.
 * @param {View} view
 * @param {{x: number, y: number, scale: number}} goal
 * @param {function(): void} [arrived]
 */
function glideTo(view, goal, arrived = () => {}) {
  cancelAnimationFrame(glide);
  const from = { x: view.x, y: view.y, scale: view.scale };
  const started = performance.now();
  const still = wantsStill();
  const step = (now) => {
    const time = still ? 1 : Math.min(1, Math.max(0, (now - started) / GLIDE_MS));
    view.move(between(from, goal, time * (2 - time)));
    if (time < 1) glide = requestAnimationFrame(step);
    else arrived();
  };
  glide = requestAnimationFrame(step);
}

/** Part of the way; scales grow by factors. The middle moves as fast as the scale lets it seem to. */
function between(from, goal, share) {
  const scale = from.scale * (goal.scale / from.scale) ** share;
  const near = goal.scale === from.scale
    ? share
    : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / goal.scale);
  return { x: from.x + (goal.x - from.x) * near, y: from.y + (goal.y - from.y) * near, scale };
}

/** Zoom about a pixel of the window. */
function glideZoom(view, left, top, factor) {
  const [x, y] = view.toPlane(left, top);
  const scale = view.scale * factor;
  glideTo(view, { x: x + (view.x - x) / factor, y: y + (view.y - y) / factor, scale });
}
