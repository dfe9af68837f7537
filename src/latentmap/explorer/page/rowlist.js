/*
 * Several rows to choose from: thumbnails where rows are images, a short list where they are a
 * table's. Each is a button that goes to its row.
 */

/**
 * @param {Source} source
 * @param {number[]} rows
 * @param {?number[]} distances
 * @param {function(number): void} choose
 * @returns {Promise<HTMLElement>}
 */
async function rowList(source, rows, distances, choose) {
  const pictures = isImage ? await source.thumbs(rows) : [];
  const list = element("div", { className: pictures.length ? "thumbs" : "list" });
  rows.forEach((i, k) => {
    const words = rowWords(i);
    const content = pictures[k] ? [pictureElement(pictures[k])] : listLine(words, distances?.[k]);
    const button = element("button", { type: "button", title: words, onclick: () => choose(i) }, ...content);
    button.setAttribute("aria-label", words);
    button.dataset.row = i;
    list.append(button);
  });
  return list;
}

const listLine = (words, distance) => [
  element("span", {}, words),
  element("span", { className: "quiet" }, distance === undefined ? "" : distance.toPrecision(2)),
];
