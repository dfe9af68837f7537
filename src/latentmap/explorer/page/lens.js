/*
 * Where the small picture beside the cursor stands: right below it, or on the other side where the
 * window ends; above a finger, which would cover it.
 */

const LENS_GAP = 18; // CSS pixels

/** @param {HTMLElement} lens @param {View} view */
function installLens(lens, view) {
  const side = matchMedia("(pointer: coarse)").matches ? 96 : 84;
  const shrink = side / Math.max(scene.row.height, scene.row.width);
  const [width, height] = [scene.row.width * shrink, scene.row.height * shrink];
  lens.style.width = `${width}px`;
  lens.style.height = `${height}px`;
  state.on(["spot", "reader"], () => {
    const spot = state.get("spot");
    lens.hidden = !spot || state.get("reader") === "cross";
    if (!lens.hidden) lens.style.transform = lensPlace(view, spot, width, height);
  });
}

function lensPlace(view, spot, width, height) {
  const [left, top] = view.toScreen(...spot);
  const over = state.get("reader") === "finger";
  const right = left + LENS_GAP + width < view.width;
  const below = !over && top + LENS_GAP + height < view.height;
  const x = over ? left - width / 2 : right ? left + LENS_GAP : left - LENS_GAP - width;
  const y = below ? top + LENS_GAP : top - (over ? 48 : LENS_GAP) - height;
  const inside = (value, size, all) => Math.round(Math.max(4, Math.min(all - size - 4, value)));
  return `translate(${inside(x, width, view.width)}px, ${inside(y, height, view.height)}px)`;
}
