/*
 * A row on the panel, whatever its kind: pictures side by side, or one chart with ticks. The two
 * kinds are a table of three functions; nothing else asks which it is.
 */

/** A picture over its caption. */
const figure = (canvas, caption) =>
  element("figure", {}, canvas, element("figcaption", {}, caption));

const SHOWING = {
  image: {
    /** Show a decoded row in `place`, which is kept from call to call. */
    decoded(place, row, density) {
      const canvas = place.firstElementChild ?? place.appendChild(element("canvas"));
      canvas.classList.add("picture", "large");
      paintPicture(canvas, row);
      canvas.style.opacity = opacityOf(density);
    },
    /** Show an original beside its reconstruction. */
    pair(place, original, reconstruction) {
      place.className = "pair";
      const sides = [[original, "original"], [reconstruction, "reconstruction"]];
      place.replaceChildren(...sides
        .filter(([row]) => row)
        .map(([row, caption]) => figure(pictureElement(row), caption)));
    },
  },
  table: {
    decoded(place, row, density) {
      drawChart(place, row);
      place.style.opacity = opacityOf(density);
    },
    pair(place, original, reconstruction) {
      drawChart(place, reconstruction, original);
      const key = element("p", { className: "key" });
      key.append(element("i", { className: "tick" }), "original", element("i", { className: "bar" }), "reconstruction");
      place.append(key);
    },
  },
};

const showing = SHOWING[scene.row.kind];

/** A list of names and values; those without a value are left out. */
function factsElement(facts) {
  const list = element("dl", { className: "facts" });
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === "") continue;
    list.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  }
  return list;
}

/** Confidence and error as facts. */
const figureFacts = ({ confidence, error }) => [
  ["confidence", Number.isFinite(confidence) && confidence !== null ? `${Math.round(100 * confidence)} %` : null],
  ["error", Number.isFinite(error) && error !== null ? Number(error).toPrecision(3) : null],
];
