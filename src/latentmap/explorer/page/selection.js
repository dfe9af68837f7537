/*
 * Rows inside an outline drawn on the map; what they are; and taking them away as CSV.
 */

/** The shown rows inside a closed outline of spots. @returns {Uint8Array} 1 for each of them */
function rowsInside(outline, cloud) {
  const xs = outline.map(([x]) => x);
  const ys = outline.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const inside = new Uint8Array(cloud.size);
  for (let i = 0; i < cloud.size; i++) {
    const [x, y] = [cloud.x[i], cloud.y[i]];
    if (x < left || x > right || y < low || y > high || !isShown(i)) continue;
    inside[i] = isInside(x, y, xs, ys) ? 1 : 0;
  }
  return inside;
}

/** Whether a ray to the right crosses the outline an odd number of times. */
function isInside(x, y, xs, ys) {
  let inside = false;
  for (let k = 0, before = xs.length - 1; k < xs.length; before = k++) {
    if (ys[k] > y === ys[before] > y) continue;
    const crossing = xs[k] + ((y - ys[k]) / (ys[before] - ys[k])) * (xs[before] - xs[k]);
    if (x < crossing) inside = !inside;
  }
  return inside;
}

/** Select the rows inside an outline, or add them to those that are. */
function selectInside(outline, cloud, adding) {
  const selected = rowsInside(outline, cloud);
  const before = adding ? state.get("selected") : null;
  if (before) before.forEach((is, i) => { selected[i] |= is; });
  state.set({ selected: selected.includes(1) ? selected : null });
}

/** @returns {number[]} the selected rows that can be seen, in order: what is counted and saved */
function selectedRows() {
  const rows = [];
  state.get("selected")?.forEach((is, i) => is && isShown(i) && rows.push(i));
  return rows;
}

/** @param {Source} source @param {HTMLElement} section @param {function(number): void} goTo */
function installSelection(source, section, goTo) {
  const preview = latestWins(async (rows) => {
    const some = evenly(rows, SIMILAR);
    const list = await rowList(source, some, null, goTo).catch((error) => showNotice(error.message));
    if (!list || !state.get("selected")) return;
    bodyOf(section).querySelector(".preview").replaceChildren(list);
    reveal(section);
  });

  function draw() {
    const rows = selectedRows();
    section.hidden = rows.length === 0;
    if (section.hidden) return;
    section.querySelector("h2").textContent = `${countOf(rows.length, "row")} selected`;
    const take = element("button", {
      type: "button",
      id: "take",
      className: "button",
      title: "Save the selected rows as CSV",
      onclick: () => takeAway(source),
    }, "Save as CSV");
    bodyOf(section).replaceChildren(sharesElement(rows), element("div", { className: "preview" }), take);
    preview(rows);
  }

  section.querySelector(".close").onclick = () => state.set({ selected: null });
  state.on(["selected", "colours", "hidden", "theme"], draw);
}

/** At most `count` of many, at even steps. */
const evenly = (values, count) =>
  values.length <= count
    ? values
    : Array.from({ length: count }, (_, k) => values[Math.floor((k * values.length) / count)]);

/** Which categories the rows are of, as one bar and the names of the largest. */
function sharesElement(rows) {
  const colours = state.get("colours");
  if (colours?.kind !== "category") return element("div");
  const counts = countCodes(gather(colours.codes, rows));
  const largest = [...colours.values.keys()]
    .filter((code) => counts[code] > 0)
    .sort((a, b) => counts[b] - counts[a]);
  const bar = element("div", { className: "shares" }, ...largest.map((code) => {
    const part = element("i", { title: `${colours.values[code]}: ${formatWhole(counts[code])}` });
    part.style.flexGrow = counts[code];
    part.style.background = categoryColour(code, state.get("theme"));
    return part;
  }));
  const words = largest.slice(0, 4).map((code) => `${colours.values[code]}: ${formatWhole(counts[code])}`);
  const more = largest.length > 4 ? ` · ${countOf(largest.length - 4, "other")}` : "";
  return element("div", {}, bar, element("p", { className: "quiet" }, words.join(" · ") + more));
}

async function takeAway(source) {
  try {
    saveFile(await source.csv(selectedRows()), `${scene.data.replace(/\W+/g, "-")}-selected.csv`);
  } catch (error) {
    showNotice(error.message);
  }
}

/** Let the browser save a blob under a name. */
function saveFile(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
