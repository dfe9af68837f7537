/*
 * Rows that the user brings: a file dropped on the page or chosen, or a drawing. The server reads it
 * as it reads all data, and says where it lands; or says in one sentence why not.
 */

/**
 * @typedef {Object} PlacedRow
 * @property {number[]} spot
 * @property {?number} confidence
 * @property {?number} error
 * @property {number[]} similar
 * @property {number[]} [distances]
 * @property {Row} original
 * @property {Row} reconstruction
 *
 * @typedef {{title: string, rows: PlacedRow[], total: number, note: string, at: number}} Placed
 */

/** @param {Source} source @param {HTMLElement} section @param {function(number): void} goTo */
function installPlacing(source, section, goTo) {
  const place = latestWins(async ({ file, body, title }) => {
    try {
      const placed = await source.place(file, body);
      state.set({ placed: { ...placed, title, at: 0 } });
      closeNotice();
    } catch (error) {
      showNotice(error.message);
    }
  });

  const draw = async () => {
    const placed = state.get("placed");
    section.hidden = !placed;
    if (!placed) return;
    const similar = await rowList(source, placed.rows[placed.at].similar, placed.rows[placed.at].distances, goTo);
    if (state.get("placed") !== placed) return;
    showPlaced(section, placed, similar);
    if (byId("drawing").hidden) reveal(section);
  };

  section.querySelector(".close").onclick = () => state.set({ placed: null });
  state.on(["placed"], () => draw().catch((error) => showNotice(error.message)));
  return (file, body, title = file) => place({ file, body, title });
}

function showPlaced(section, placed, similar) {
  const row = placed.rows[placed.at];
  const pair = element("div");
  showing.pair(pair, row.original, row.reconstruction);
  section.querySelector("h2").replaceChildren("Yours", element("span", { className: "quiet" }, placed.title));
  bodyOf(section).replaceChildren(
    ...[placed.note].filter(Boolean).map((note) => element("p", { className: "note" }, note)),
    ...(placed.rows.length > 1 ? [stepper(placed)] : []),
    pair,
    factsElement([...figureFacts(row), ["at", spotWords(row.spot)]]),
    element("h3", {}, "Most similar"),
    similar,
  );
}

/** From one of several placed rows to the next. */
function stepper(placed) {
  const { length } = placed.rows;
  const step = (by) => state.set({ placed: { ...placed, at: (placed.at + by + length) % length } });
  const button = (text, title, by) =>
    element("button", { type: "button", className: "button icon", title, onclick: () => step(by) }, text);
  const of = placed.total > length ? `${formatWhole(length)} placed of ${formatWhole(placed.total)}` : formatWhole(length);
  return element(
    "div",
    { className: "stepper" },
    button("‹", "The row before", -1),
    element("span", {}, `${placed.at + 1} of ${of}`),
    button("›", "The next row", 1),
  );
}

/** Take a file that is dropped anywhere on the page, or chosen. */
function installDropping(placeFile) {
  const veil = byId("drop");
  const chooser = byId("file");
  const take = (file) => {
    if (file.size > scene.limits.upload_bytes) showNotice(tooLarge(file));
    else placeFile(file.name, file);
  };
  byId("open").onclick = () => (fromFile ? showNotice(NEEDS_SERVER) : chooser.click());
  chooser.onchange = () => {
    if (chooser.files[0]) take(chooser.files[0]);
    chooser.value = "";
  };
  addEventListener("dragover", (event) => {
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    if (fromFile) showNotice(NEEDS_SERVER);
    else if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}

function tooLarge(file) {
  const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  return `${file.name}: expected at most ${megabytes(scene.limits.upload_bytes)}, found ${megabytes(file.size)}.`;
}
