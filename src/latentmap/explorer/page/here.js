/*
 * The plane read backwards: wherever the mouse is, the panel shows at once what would live there.
 */

/**
 * @param {Source} source
 * @param {HTMLElement} section
 * @param {HTMLElement} lens  shown beside the cursor, for images
 */
function installHere(source, section, lens) {
  const body = bodyOf(section);
  const place = element("div", { className: "decoded" });
  const words = element("p", { className: "density-words" });
  const meter = element("i");
  const spotText = element("p", { className: "spot" });
  const told = element("div", { className: "told" }, words, element("span", { className: "meter" }, meter), spotText);

  const decode = latestWins(async (spot) => {
    try {
      const { densities, rows } = await source.decode(Float32Array.from(spot));
      show(spot, rows[0], densities[0]);
    } catch (error) {
      showNotice(error.message);
    }
  });

  function show(spot, row, density) {
    if (!place.isConnected) body.replaceChildren(place, told);
    showing.decoded(place, row, density);
    words.textContent = densityWords(density);
    meter.style.width = `${Math.round(100 * density)}%`;
    spotText.textContent = spotWords(spot);
    if (isImage) {
      paintPicture(lens.firstElementChild, row);
      lens.firstElementChild.style.opacity = opacityOf(density);
    }
    document.body.dataset.shown = spot.join(" ");
  }

  body.append(element("p", { className: "empty" }, HERE_HINT));
  state.on(["spot"], () => {
    if (state.get("spot")) decode(state.get("spot"));
  });
}

const HERE_HINT = matchMedia("(pointer: coarse)").matches
  ? "Slide a finger over the map: here you see what would live there. Two fingers move and zoom."
  : "Move over the map: here you see what would live there, data or not.";

/** Where a spot is, to a thousandth of the map. */
function spotWords([x, y]) {
  const spread = (scene.bounds[2] - scene.bounds[0]) / 10;
  return scene.plane.components === 1
    ? formatNumber(x, spread)
    : `${formatNumber(x, spread)}, ${formatNumber(y, spread)}`;
}
