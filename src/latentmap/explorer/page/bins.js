/*
 * Bins of a histogram, as ranges of quantised values. The bins of dates are days, months or other
 * units of the calendar, and those of whole numbers cover the same number of them.
 */

import { numberRanks } from "./palette.js";
import { MISSING, columns, dequantize, quantize } from "./scene.js";

/** @import { Colors } from "./types.js" */

const MAX_BINS = 48;
const MAX_DATE_BINS = 62; // Two months have a bin for each day.
const MAX_VALUE = MISSING - 1;
const [MINUTE, HOUR, DAY, WEEK, MONTH] = [60, 3600, 86_400, 604_800, 2_629_746]; // Number of seconds in each unit.
const MONDAY = 4 * DAY; // The first Monday after 1 January 1970, a Thursday.
const TIME_UNITS = [1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, WEEK];
const MONTH_UNITS = [1, 3, 12, 60, 120, 600, 1200, 12_000];

/**
 * `edges` are the quantised values at which bins start, and the end of the last bin. The first and the
 * last bin also contain the values outside of `first` to `last`.
 * @typedef {{ edges: number[], first: number, last: number }} Bins
 */

/** @param {Colors} colors @returns {Bins} */
export function createBins(colors) {
  const [first, last] = axisRange(colors);
  const column = colors.column === undefined ? undefined : columns[colors.column];
  if (column?.kind === "date" && (column.format ?? "").startsWith("date") && last > first) return { edges: calendarEdges(colors, first, last), first, last };
  const { low = 0, high = 1 } = colors;
  if (!column?.is_integer || high <= low) return { edges: evenEdges(first, (last - first + 1) / MAX_BINS, MAX_BINS), first, last };
  const unit = MAX_VALUE / (high - low); // The quantised difference of 1.
  const span = Math.round((last - first) / unit) + 1;
  const binSpan = Math.ceil(span / MAX_BINS);
  return { edges: evenEdges(first - unit / 2, unit * binSpan, Math.ceil(span / binSpan)), first, last };
}

/** @param {number} start @param {number} width @param {number} count */
const evenEdges = (start, width, count) => Array.from({ length: count + 1 }, (_, i) => start + i * width);

/** Return the smallest and the largest quantised value that has a bin. @param {Colors} colors */
function axisRange(colors) {
  const { isSkewed, ranks, quantiles } = numberRanks(colors);
  const [first, last] = [quantiles[0], quantiles[4]];
  if (!isSkewed) return [first, last];
  const low = ranks.findIndex((rank) => rank > 0.01);
  const high = ranks.findLastIndex((rank) => rank < 0.98);
  return high > low ? [Math.max(first, low), Math.min(last, high)] : [first, last];
}

/**
 * Return the quantised starts of the hours, days, weeks, months or years (UTC) that cover a range of
 * dates. The unit is the shortest one that needs at most 62 bins.
 * @param {Colors} colors @param {number} first @param {number} last  quantised
 */
function calendarEdges(colors, first, last) {
  const { low = 0, high = 1 } = colors;
  const [start, end] = [dequantize(first, low, high), dequantize(last, low, high)];
  const needsFewBins = (/** @type {number} */ seconds) => (end - start) / seconds < MAX_DATE_BINS - 1;
  const seconds = TIME_UNITS.find(needsFewBins);
  const months = MONTH_UNITS.find((unit) => needsFewBins(unit * MONTH)) ?? MONTH_UNITS[MONTH_UNITS.length - 1];
  const edges = seconds ? timeEdges(start, end, seconds) : monthEdges(start, end, months);
  // The quantised date of the start of a bin may be rounded down.
  return edges.map((edge) => Math.round(quantize(edge, colors)));
}

/** @param {number} start @param {number} end @param {number} unit  in seconds */
function timeEdges(start, end, unit) {
  const origin = unit >= WEEK ? MONDAY : 0;
  const from = Math.floor((start - origin) / unit);
  return evenEdges(origin + from * unit, unit, Math.floor((end - origin) / unit) - from + 1);
}

/** @param {number} start @param {number} end @param {number} unit  in months */
function monthEdges(start, end, unit) {
  const date = new Date(1000 * start);
  const from = Math.floor((12 * date.getUTCFullYear() + date.getUTCMonth()) / unit);
  const edges = [];
  for (let k = from; edges.length < 2 || edges[edges.length - 1] <= end; k++) {
    edges.push(new Date(0).setUTCFullYear(Math.floor((k * unit) / 12), (k * unit) % 12, 1) / 1000);
  }
  return edges;
}

/**
 * Return the bin of each quantised value, -1 for missing values.
 * @param {Bins} bins
 */
export function binTable({ edges }) {
  const last = edges.length - 2;
  const table = new Int8Array(MISSING + 1);
  for (let value = 0, bin = 0; value <= MAX_VALUE; value++) {
    while (bin < last && value >= edges[bin + 1]) bin++;
    table[value] = bin;
  }
  table[MISSING] = -1;
  return table;
}

/**
 * Return the smallest and the largest quantised value of the bins from `first` to `last`.
 * @param {Bins} bins @param {number} first @param {number} last
 */
export function binRange({ edges }, first, last) {
  return {
    low: first === 0 ? 0 : Math.ceil(edges[first]),
    high: last === edges.length - 2 ? MAX_VALUE : Math.ceil(edges[last + 1]) - 1,
  };
}
