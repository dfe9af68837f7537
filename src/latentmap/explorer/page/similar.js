/*
 * A clicked point's nearest rows. Clicking one of them goes there.
 */

/** @param {Source} source @param {HTMLElement} section @param {function(number): void} goTo */
function installSimilar(source, section, goTo) {
  const look = latestWins(async (i) => {
    try {
      const { rows, distances } = await source.similar(i);
      const list = await rowList(source, rows, distances, goTo);
      if (i !== state.get("picked")) return;
      bodyOf(section).replaceChildren(list);
      section.hidden = false;
    } catch (error) {
      showNotice(error.message);
    }
  });
  if (scene.mode === "file" && scene.plane.components > 2) {
    section.querySelector("h2").textContent = "Nearest on the map"; // codes are not in the file
  }
  state.on(["picked"], () => {
    if (state.get("picked") >= 0) look(state.get("picked"));
    else section.hidden = true;
  });
}
