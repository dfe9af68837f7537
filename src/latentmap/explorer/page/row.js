/*
 * The row under the cursor, or else the one that was clicked: the original beside its
 * reconstruction, and what is known of it.
 */

/** @param {Source} source @param {HTMLElement} section */
function installRow(source, section) {
  const heading = section.querySelector("h2");
  const body = bodyOf(section);
  const pair = element("div");
  const known = new Map();

  const look = latestWins(async (i) => {
    try {
      const details = known.get(i) ?? (await source.details(i));
      remember(known, i, details);
      if (i === wanted()) show(i, details);
    } catch (error) {
      showNotice(error.message);
    }
  });

  function show(i, details) {
    heading.textContent = `Row ${formatWhole(details.number)}`;
    if (details.name) heading.append(element("span", { className: "quiet" }, details.name));
    showing.pair(pair, details.original, details.reconstruction);
    body.replaceChildren(pair, factsElement([
      ["label", details.label],
      ...colouringFact(i),
      ...figureFacts(details),
    ]));
    section.dataset.row = i;
  }

  function showEmpty() {
    heading.textContent = "On a point";
    body.replaceChildren(element("p", { className: "empty" },
      "Over a point: the row beside its reconstruction. A click keeps it and finds its like."));
    delete section.dataset.row;
  }

  const wanted = () => (state.get("hovered") >= 0 ? state.get("hovered") : state.get("picked"));
  const refresh = () => (wanted() >= 0 ? look(wanted()) : showEmpty());
  state.on(["hovered", "picked", "colours"], refresh);
  refresh();
}

/** Keep the last hundred details: a mouse goes to and fro. */
function remember(known, i, details) {
  known.set(i, details);
  if (known.size > 100) known.delete(known.keys().next().value);
}

/** What row i is coloured by, where the details do not tell it anyhow. */
function colouringFact(i) {
  const colours = state.get("colours");
  if (!colours || ["", "label", "confidence", "error"].includes(colours.name)) return [];
  const code = colours.codes[i];
  if (code === MISSING) return [[colours.name, "–"]];
  if (colours.kind === "category") return [[colours.name, colours.values[code]]];
  const value = unshort(code, colours.low, colours.high);
  return [[colours.name, formatNumber(value, (colours.high - colours.low) / 4)]];
}
