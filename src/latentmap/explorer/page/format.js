/*
 * Formatting of numbers, on the page and in CSV files.
 */

/** @import { Column } from "./types.js" */

const wholeNumbers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Write a whole number with separators: 70,000. @param {number} value */
export const formatWhole = (value) => wholeNumbers.format(value);

/**
 * Write a number to about a thirtieth of a spread, with at most six decimals.
 * @param {number} value
 * @param {number} spread  the typical difference between such numbers
 */
export function formatNumber(value, spread) {
  if (!Number.isFinite(value)) return "–";
  const decimals = spread > 0 ? Math.ceil(1.5 - Math.log10(spread)) : 3;
  const digits = Math.min(6, Math.max(0, decimals));
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return text.replace("-", "−");
}

/**
 * Write a value of a table column in the units of the column.
 * @param {number} value @param {Column} column
 */
export const formatValue = (value, column) =>
  column.is_integer && Number.isInteger(value) ? formatWhole(value) : formatNumber(value, column.std);

/** Write a count with its noun: "1 row", "12 rows". @param {number} count @param {string} noun */
export const formatCount = (count, noun) => `${formatWhole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Write a field of a CSV file (RFC 4180). @param {unknown} value */
function csvField(value) {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Write the lines of a CSV file. @param {unknown[][]} lines  the first holds the names */
export const formatCsv = (lines) => lines.map((line) => `${line.map(csvField).join(",")}\r\n`).join("");
