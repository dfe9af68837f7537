/*
 * How numbers are written: whole ones with thousands apart, others with the digits that matter
 * beside the spread of their column.
 */

const wholeFormat = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {number} value @returns {string} "70,000" */
const formatWhole = (value) => wholeFormat.format(value);

/**
 * Write a number to a thirtieth of a spread or finer, with at most six decimals.
 * @param {?number} value
 * @param {number} spread  how far such numbers usually lie apart
 */
function formatNumber(value, spread) {
  if (value === null || !Number.isFinite(value)) return "–";
  const decimals = spread > 0 ? Math.ceil(1.5 - Math.log10(spread)) : 3;
  const digits = Math.min(6, Math.max(0, decimals));
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return text.replace("-", "−");
}

/** Write a value of a table's column in the column's own units. */
function formatValue(value, column) {
  return column.whole && Number.isInteger(value)
    ? formatWhole(value)
    : formatNumber(value, column.deviation);
}

/** "1 row", "12 rows" */
const countOf = (count, one, many = `${one}s`) => `${formatWhole(count)} ${count === 1 ? one : many}`;
