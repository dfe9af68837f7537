/*
 * Formatting of numbers, on the page and in CSV files.
 */

/** @import { Column } from "./types.js" */

const wholeNumbers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Format a whole number with separators: 70,000. @param {number} value */
export const formatWhole = (value) => wholeNumbers.format(value);

/**
 * Format a number to about a thirtieth of a spread, with at most six decimals.
 * @param {number} value
 * @param {number} spread  the typical difference between two of the numbers
 */
export function formatNumber(value, spread) {
  if (!Number.isFinite(value)) return "–";
  const decimals = spread > 0 ? Math.ceil(1.5 - Math.log10(spread)) : 3;
  const digits = Math.min(6, Math.max(0, decimals));
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return text.replace("-", "−");
}

/**
 * Format a value of a table column.
 * @param {number} value @param {Column} column
 */
export const formatValue = (value, column) =>
  column.is_integer && Number.isInteger(value) ? formatWhole(value) : formatNumber(value, column.std);

/** Format a count with its noun: "1 row", "12 rows". @param {number} count @param {string} noun */
export const formatCount = (count, noun) => `${formatWhole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Format a field of a CSV file (RFC 4180). @param {unknown} value */
function csvField(value) {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Format the lines of a CSV file. @param {unknown[][]} lines  the first holds the names */
export const formatCsv = (lines) => lines.map((line) => `${line.map(csvField).join(",")}\r\n`).join("");
