/*
 * What the colours mean, and a way to choose: a click on a category hides or shows it, a double
 * click leaves it alone. Numbers have a bar from low to high.
 */

/** @param {Source} source @param {HTMLElement} body */
function installLegend(source, body) {
  const chooser = byId("colouring");
  chooser.append(...scene.colourings.map((c, i) => element("option", { value: i }, c.name)));
  chooser.onchange = () => state.set({ colouring: Number(chooser.value) });

  const load = latestWins(async (i) => {
    if (!scene.colourings[i].ready) body.replaceChildren(element("p", { className: "empty" }, "Computing…"));
    try {
      const colours = await source.colours(i);
      scene.colourings[i].ready = true;
      state.set({ colours, hidden: new Set() });
    } catch (error) {
      showNotice(error.message);
    }
    draw();
  });

  function draw() {
    const colours = state.get("colours");
    if (!colours) return;
    body.replaceChildren(LEGENDS[colours.kind](colours));
    mark();
  }

  /** Which entries are hidden changes often and on hundreds of entries; so they are only marked. */
  function mark() {
    for (const entry of body.querySelectorAll(".entry")) {
      entry.setAttribute("aria-pressed", String(!state.get("hidden").has(Number(entry.dataset.code))));
    }
  }

  state.on(["colouring"], () => load(state.get("colouring")));
  state.on(["colours", "theme"], draw);
  state.on(["hidden"], mark);
  byId("legend").hidden = scene.colourings.length === 0;
  return byId("legend").hidden ? Promise.resolve() : load(0);
}

const LEGENDS = {
  category(colours) {
    const counts = countCodes(colours.codes);
    const entries = colours.values.map((text, code) => entryElement(text, code, counts[code]));
    if (counts[MISSING]) entries.push(entryElement("(missing)", MISSING, counts[MISSING]));
    return element("div", { className: "entries" }, ...entries);
  },
  number(colours) {
    const bar = element("canvas", { className: "scale", width: 256, height: 1 });
    const image = new ImageData(256, 1);
    new Uint32Array(image.data.buffer).set(NUMBER_PIXELS);
    bar.getContext("2d").putImageData(image, 0, 0);
    const spread = (colours.high - colours.low) / 4;
    const end = (value) => element("span", {}, formatNumber(value, spread));
    return element("div", {}, bar, element("p", { className: "ends" }, end(colours.low), end(colours.high)));
  },
};

function entryElement(text, code, count) {
  const swatch = element("i", { className: "swatch" });
  const theme = state.get("theme");
  swatch.style.background = code === MISSING ? ABSENT[theme] : categoryColour(code, theme);
  const entry = element(
    "button",
    {
      type: "button",
      className: "entry",
      title: "Click: hide or show. Double click: only this one.",
      onclick: () => toggleCategory(code),
      ondblclick: () => isolateCategory(code),
    },
    swatch,
    element("span", { className: "entry-name" }, text),
    element("span", { className: "quiet" }, formatWhole(count)),
  );
  entry.dataset.code = code;
  return entry;
}

function toggleCategory(code) {
  const hidden = new Set(state.get("hidden"));
  if (!hidden.delete(code)) hidden.add(code);
  state.set({ hidden });
}

/** Hide all others; or show all again, if all others are hidden. */
function isolateCategory(code) {
  const others = [...state.get("colours").values.keys(), MISSING].filter((other) => other !== code);
  const alone = others.every((other) => state.get("hidden").has(other));
  state.set({ hidden: new Set(alone ? [] : others) });
}
