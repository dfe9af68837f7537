/*
 * Cells of .csv files: their separation, and their conversion to the numbers that a model of a table
 * was fitted to, as by `preprocessing.table_encoder`.
 */

/** @import { TableColumn } from "./types.js" */

const MISSING_CELL = /^(na|nan|n\/a|nat|null|none|-|\?)?$/i;
const ISO_TIME = /^(\d{4}-\d\d-\d\d)?[ T]?(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)? ?(Z|[+-]\d\d:?\d\d)?$/;
// A duration as pandas writes it: "1 days 02:30:00", or "-1 days +23:30:00" for minus half an hour.
const DURATION = /^(?:(-?\d+) ?d(?:ays?)?,? *\+?|(-?))(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$/;
const EXPECTED_VALUES = { number: "a number such as 12.5", date: "a date such as 2024-05-31", duration: "a duration such as 01:30:00" };

/**
 * Return the lines of a .csv file as lists of cells, without empty lines.
 * @param {string} text @param {number} [limit]  maximum number of lines that are separated
 */
export function separateCells(text, limit = Infinity) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const separator = [",", ";", "\t"].find((character) => lines[0]?.includes(character)) ?? ",";
  // A quoted cell may contain the separator; a quotation mark inside it is doubled.
  const pattern = new RegExp(`(?:"((?:[^"]|"")*)"|([^${separator}]*))${separator}`, "g");
  const cellsOf = (/** @type {string} */ line) =>
    Array.from((line + separator).matchAll(pattern), ([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain).trim());
  return { cells: lines.slice(0, limit).map(cellsOf), total: lines.length };
}

/**
 * Return the numbers that encode the cells of a row; NaN for a missing or unknown value.
 * @param {TableColumn[]} columns @param {string[]} cells  of the columns
 */
export const encodeCells = (columns, cells) =>
  Float32Array.from(columns.flatMap((column, j) => encodeCell(column, cells[j])));

/** @param {TableColumn} column @param {string} cell @returns {number[]} */
function encodeCell(column, cell) {
  if (column.kind !== "category") {
    const number = numberInCell(cell, column.kind);
    if (Number.isNaN(number) && !MISSING_CELL.test(cell)) {
      throw new Error(`The column ${column.name}: expected ${EXPECTED_VALUES[column.kind]}, found ${cell}.`);
    }
    const { mean, scale, arsinh_scale } = column;
    return [((arsinh_scale === null ? number : Math.asinh(number / arsinh_scale)) - mean) / scale];
  }
  const level = levelOf(column, cell);
  return column.shares.map((share, i) => (level < 0 ? NaN : ((i === level ? 1 : 0) - share) * column.weight));
}

/**
 * Return the number in a cell, the seconds of a duration, or the seconds since 1970 of a date and time in
 * ISO 8601, which is one in UTC if it has no offset. NaN if there is none.
 * @param {string} cell @param {"number" | "date" | "duration"} kind
 */
export function numberInCell(cell, kind) {
  if (cell === "") return NaN;
  if (kind === "number") return Number(cell);
  if (kind === "duration") return secondsOf(cell);
  const match = ISO_TIME.exec(cell);
  if (!match) return NaN;
  const offset = (match[3] ?? "Z").replace(/(\d\d):?(\d\d)$/, "$1:$2");
  return Date.parse(`${match[1] ?? "1970-01-01"}T${match[2] ?? "00:00"}${offset}`) / 1000;
}

/** Return the seconds of a duration, NaN for another text. @param {string} cell */
function secondsOf(cell) {
  const match = DURATION.exec(cell);
  if (!match) return NaN;
  const [days, , hours, minutes, seconds] = match.slice(1).map((part) => Number(part || 0));
  return (match[2] ? -1 : 1) * (86_400 * days + 3600 * hours + 60 * minutes + seconds);
}

/** Return true and false in any case, and 1 and 0, as true or false. @param {string} cell */
export const truthValue = (cell) => ({ 1: "true", 0: "false" }[cell] ?? cell.toLowerCase());

/** Return the index of the level of a cell, -1 for none. @param {Extract<TableColumn, { kind: "category" }>} column @param {string} cell */
function levelOf({ levels, shares }, cell) {
  // The two levels of Booleans are strings of the data, or true and false in any case, or 1 and 0.
  const isBoolean = shares.length === 1 && levels[0][0] === "true";
  const value = isBoolean ? truthValue(cell) : cell;
  return levels.findIndex((values) => values.some((known) => known.trim() === value));
}
