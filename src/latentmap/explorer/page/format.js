/*
 * Formatting of numbers, dates and table values, on the page and in CSV files.
 */

/** @import { Column } from "./types.js" */

/** The text of a missing value. */
export const MISSING = "–";

const SECONDS_PER_DAY = 86_400;
const MAX_DECIMALS = 6;

const wholeNumbers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Format a whole number with separators: 70,000. @param {number} value */
export const formatWhole = (value) => wholeNumbers.format(value);

/**
 * Format a number. Numbers below 10,000 have no separators, because they may be years.
 * @param {number} value @param {number} decimals
 */
function formatDecimals(value, decimals) {
  const digits = Math.min(MAX_DECIMALS, Math.max(0, decimals));
  const text = value.toLocaleString("en", {
    minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: "min2",
  });
  return text.replace("-", "−");
}

/** Return the number of decimals for a thirtieth of a spread. @param {number} spread */
const decimalsOf = (spread) => (spread > 0 ? Math.ceil(1.5 - Math.log10(spread)) : 3);

/**
 * Format a number to about a thirtieth of a spread, with at most six decimals.
 * @param {number} value
 * @param {number} spread  the typical difference between two of the numbers
 */
export const formatNumber = (value, spread) =>
  Number.isFinite(value) ? formatDecimals(value, decimalsOf(spread)) : MISSING;

/**
 * Format a value of a table column. Numbers that are small for their column have three digits.
 * @param {number | string | null} value @param {Column} column
 */
export function formatValue(value, column) {
  if (value === null || value === "") return MISSING;
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return MISSING;
  if (column.kind === "date") return formatDate(value, column);
  if (column.is_integer && Number.isInteger(value)) return formatDecimals(value, 0);
  const decimals = decimalsOf(column.std ?? 0);
  const significantDecimals = value ? 2 - Math.floor(Math.log10(Math.abs(value))) : 0;
  return formatDecimals(value, Math.max(decimals, Math.min(significantDecimals, decimals + 2)));
}

/**
 * Format a date, a time or a duration as in ISO 8601.
 * @param {number} seconds  since 1970 or midnight, or a duration
 * @param {Column} column
 */
function formatDate(seconds, { format, time_zone, resolution = 0 }) {
  if (format === "duration") return formatDuration(seconds);
  const isDate = format === "date" || resolution > SECONDS_PER_DAY / 24;
  const rounded = isDate ? Math.round(seconds / SECONDS_PER_DAY) * SECONDS_PER_DAY : Math.round(seconds);
  const date = new Date(1000 * (format === "date" ? rounded : seconds));
  if (Number.isNaN(date.getTime())) return MISSING;
  if (format === "time") return date.toISOString().slice(11, 19);
  if (time_zone) return formatInZone(date, time_zone, isDate);
  return isDate ? date.toISOString().slice(0, -14) : date.toISOString().slice(0, -8).replace("T", " ");
}

/** @param {Date} date @param {string} timeZone @param {boolean} isDate  whether the time is left out */
function formatInZone(date, timeZone, isDate) {
  // The Swedish format of dates is that of ISO 8601.
  const options = /** @type {Intl.DateTimeFormatOptions} */ ({ dateStyle: "short", ...(!isDate && { timeStyle: "short" }) });
  try {
    return date.toLocaleString("sv", { ...options, timeZone });
  } catch { // Browsers do not know every time zone.
    return date.toLocaleString("sv", { ...options, timeZone: "UTC" });
  }
}

/** Format a duration: "2 d 03:04:05". @param {number} seconds */
function formatDuration(seconds) {
  const total = Math.round(Math.abs(seconds));
  const days = Math.floor(total / SECONDS_PER_DAY);
  const clock = [total / 3600 % 24, total / 60 % 60, total % 60].map((part) => String(Math.floor(part)).padStart(2, "0"));
  return `${seconds < 0 ? "−" : ""}${days ? `${formatWhole(days)} d ` : ""}${clock.join(":")}`;
}

const compactNumbers = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** Format a number for a short space if its usual text is long: "12.3M". @param {number} value @param {string} text */
export const compact = (value, text) =>
  (text.length > 7 && Math.abs(value) >= 10_000 ? compactNumbers.format(value).replace("-", "−") : text);

/** Return the name of a category as it is shown. @param {string} name */
export const categoryTitle = (name) => (name.trim() ? name : "(empty)");

const graphemes = new Intl.Segmenter();

/**
 * Shorten a text to a number of characters as people count them, so that no emoji or accent is cut.
 * @param {string} text @param {number} length
 */
export function shorten(text, length) {
  if (text.length <= length) return text;
  const parts = Array.from(graphemes.segment(text.slice(0, 16 * length)), ({ segment }) => segment);
  return parts.length <= length ? text : `${parts.slice(0, length - 1).join("")}…`;
}

/**
 * Shorten a name in the middle, because long names often differ at their ends.
 * @param {string} name @param {number} length
 */
export function shortenName(name, length) {
  if (shorten(name, length) === name) return name;
  const endLength = Math.floor((length - 1) / 2);
  const end = Array.from(graphemes.segment(name.slice(-16 * length)), ({ segment }) => segment).slice(-endLength);
  return shorten(name, length - endLength) + end.join("");
}

/** Return the name of a column with its unit: "weight (kg)". @param {Column} column */
export const columnTitle = ({ name, unit }) => (unit ? `${name} (${unit})` : name);

/** Format a count with its noun: "1 row", "12 rows". @param {number} count @param {string} noun */
export const formatCount = (count, noun) => `${formatWhole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Format a field of a CSV file (RFC 4180). @param {unknown} value */
function csvField(value) {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Format the lines of a CSV file. @param {unknown[][]} lines  the first holds the names */
export const formatCsv = (lines) => lines.map((line) => `${line.map(csvField).join(",")}\r\n`).join("");
