/*
 * Everything is made here and told of each other; then the first colours are asked for.
 */

/** What the page calls itself, and how much it shows. */
function writeTitle() {
  const { plane } = scene;
  document.title = `${scene.data} · latentmap`;
  byId("title").textContent = scene.data;
  const shown = scene.total > scene.n
    ? `${formatWhole(scene.n)} of ${countOf(scene.total, "row")}`
    : countOf(scene.n, "row");
  const through = plane.components > 2
    ? `first principal plane of ${plane.components} components (${Math.round(100 * plane.share)} % of their variance)`
    : "";
  byId("subtitle").textContent = [shown, scene.model, through].filter(Boolean).join(" · ");
  byId("subtitle").title = scene.title;
}

/** Go to a row: pick it, and bring it into the window if it is not there. */
function makeGoTo(view, cloud) {
  return (i) => {
    state.set({ picked: i, hovered: -1 });
    bringIntoView(view, cloud.x[i], cloud.y[i]);
  };
}

function bringIntoView(view, x, y) {
  if (!view.holds(x, y, 60)) glideTo(view, { x, y, scale: view.scale });
}

/** @param {Source} source */
async function start(source) {
  document.body.classList.add(scene.row.kind);
  if (!isImage) document.body.style.setProperty("--bars", Math.min(MOST_BARS, scene.row.columns.length));
  writeTitle();
  installTheme();
  installToolbar();
  state.set({ colours: plainColours(scene.n) });
  await installRowWords(source);
  const cloud = new Cloud(await source.buffer("points"), scene.bounds);
  const nearest = new Nearest(cloud);
  const view = new View(scene.bounds);
  const goTo = makeGoTo(view, cloud);
  const fit = installMap(byId("map"), view, cloud);
  if (isImage) installLens(byId("lens"), view);
  installHere(source, byId("here"), byId("lens"));
  installRow(source, byId("row"));
  installSimilar(source, byId("similar"), goTo);
  installWalk(source, byId("walk"));
  installSelection(source, byId("selected"), goTo);
  const placeFile = installPlacing(source, byId("yours"), goTo);
  installDropping(placeFile);
  if (scene.drawable || (fromFile && scene.row.channels === 1)) installDrawing(placeFile);
  await installLegend(source, byId("legend-body"));
  fit();
  installPointer(byId("overlay"), view, nearest, makeTools(view, cloud, nearest));
  installKeys(view, nearest);
  state.on(["placed"], () => {
    const placed = state.get("placed");
    if (placed) bringIntoView(view, ...placed.rows[placed.at].spot);
  });
  window.latentmap = Object.freeze({
    toScreen: (x, y) => view.toScreen(x, y),
    spotOf: (i) => [cloud.x[i], cloud.y[i]],
    selectedRows,
  });
  document.body.dataset.state = "ready";
  if (fromFile) await source.prepare();
}

start(fromFile ? new FileSource() : new ServerSource()).catch((error) => showNotice(error.message));
