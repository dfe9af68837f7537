/*
 * Light or dark: as the system wants it, until the user says otherwise.
 */

/** A colour of the style sheet, for canvases. @param {string} name "--ink" */
const look = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function installTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = (theme) => {
    document.documentElement.dataset.theme = theme;
    state.set({ theme });
  };
  const follow = () => apply(system.matches ? "dark" : "light");
  system.addEventListener("change", follow);
  byId("theme").onclick = () => {
    system.removeEventListener("change", follow);
    apply(state.get("theme") === "dark" ? "light" : "dark");
  };
  follow();
}
