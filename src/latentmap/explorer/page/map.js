/*
 * The map: two canvases, one over the other, drawn at most once a frame and only where something
 * changed.
 */

const MOST_PIXELS = 2; // a CSS pixel; more costs time and shows nothing

/**
 * @param {HTMLElement} section
 * @param {View} view
 * @param {Cloud} cloud
 */
function installMap(section, view, cloud) {
  const points = new PointsLayer(byId("points"), cloud);
  const overlay = new Overlay(byId("overlay"), view, cloud);
  const stale = { points: true, overlay: true };
  let asked = false;

  function draw() {
    asked = false;
    const ratio = Math.min(MOST_PIXELS, devicePixelRatio);
    if (stale.points) points.draw(view, ratio, look("--map"));
    overlay.draw(ratio);
    Object.assign(stale, { points: false, overlay: false });
  }

  function ask(layers) {
    Object.assign(stale, layers);
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  }

  view.onchange = () => ask({ points: true, overlay: true });
  state.on(["colours", "hidden", "selected", "theme"], () => ask({ points: true, overlay: true }));
  state.on(["spot", "reader", "hovered", "picked", "drawn", "walk", "placed"], () => ask({ overlay: true }));
  const fit = () => view.resize(section.clientWidth, section.clientHeight, insetOf(section));
  new ResizeObserver(fit).observe(section);
  fit();
  return fit;
}

/** What the cards cover: the legend left or, on a phone, above; the tools at the right. */
function insetOf(section) {
  const legend = byId("legend");
  if (section.clientWidth <= 640) {
    return { left: 12, right: 60, top: legend.offsetHeight + 16, bottom: 28 };
  }
  return { left: legend.hidden ? 24 : legend.offsetWidth + 32, right: 76, top: 20, bottom: 20 };
}
