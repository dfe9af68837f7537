/*
 * Rows as CSV, for the page that has no server to ask: RFC 4180, a field quoted where it holds a
 * quote, a comma, a line break or blanks at an end.
 */

/** @param {*} value @returns {string} */
function csvField(value) {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {Array[]} lines  the first holds the names */
const csvText = (lines) => lines.map((line) => `${line.map(csvField).join(",")}\r\n`).join("");
