/*
 * Charts of a column whose values can be chosen: a histogram of numbers and dates, and bars of
 * categories. Grey bars count all rows, coloured bars the rows that pass the other filters.
 */

import { binRange, binTable, createBins } from "./bins.js";
import { context2d, createButton, createElement, cssVariable, fitName } from "./dom.js";
import { categoryTitle, formatCount, formatWhole } from "./format.js";
import { formatEnd } from "./legend.js";
import { categoryColor, countValues, numberRanks } from "./palette.js";
import { MISSING, columns, dequantize, quantize } from "./scene.js";

/** @import { Colors, Filter } from "./types.js" */

/**
 * @typedef {{ element: HTMLElement, draw: () => void }} Chart
 * @typedef {(row: number) => boolean} Counts  function that returns whether a row is counted
 */

const [WIDTH, HEIGHT] = [480, 72]; // Pixels of the canvas; the style sheet sets the size on the page.
const DAY = 86_400; // Number of seconds in a day.
const MAX_BARS = 8;
const [NAME_WIDTH, FONT_SIZE] = [126, 12]; // Width and font size of the name of a bar, in CSS pixels.

/**
 * Return a histogram in which the user chooses a range by dragging or with the arrow keys. The axis of
 * skewed numbers ends at percentiles; its first and last bin also count the rows outside the axis.
 * @param {Colors} colors @param {Counts} counts @param {() => Filter | null} getFilter
 * @param {(filter: Filter | null) => void} setFilter @returns {Chart}
 */
export function histogram(colors, counts, getFilter, setFilter) {
  const axis = createBins(colors);
  const nBins = axis.edges.length - 1;
  const table = binTable(axis);
  const bins = Int8Array.from(colors.values, (value) => table[value]);
  const totals = binCounts(bins, nBins, () => true);
  const [smallest, , , , largest] = numberRanks(colors).quantiles;

  const canvas = createElement("canvas", { width: WIDTH, height: HEIGHT, className: "histogram", tabIndex: 0 });
  canvas.setAttribute("role", "img");
  const ends = createElement("p", { className: "ends" });
  const element = createElement("div", {}, canvas, ends);
  const text = (/** @type {number} */ value) => formatEnd(dequantize(value, colors.low ?? 0, colors.high ?? 1), colors);
  const isDay = colors.column !== undefined && columns[colors.column].format === "date";
  const partOfDay = isDay ? Math.max(1, 0.6 * (quantize(DAY, colors) - quantize(0, colors))) : 0;
  /** Return the ends of the range of bins, within the data. @param {number} first @param {number} last */
  const dataRange = (first, last) => {
    const { low, high } = binRange(axis, first, last);
    // A day is shown rounded, and the next bin starts with the next day.
    return [text(Math.max(low, smallest)), text(high < largest ? high - partOfDay : largest)];
  };

  /** Return the bin of a value in a filter, which an edited address may contain. @param {number} value */
  const binOf = (value) => table[Math.max(0, Math.min(MISSING - 1, Math.round(value) || 0))];

  /** Return the first and the last chosen bin, or null if no range is chosen. */
  function chosenBins() {
    const filter = getFilter();
    return filter && "low" in filter ? [binOf(filter.low), binOf(filter.high)] : null;
  }

  /** Choose the bins from a to b, in any order. @param {number} a @param {number} b */
  const choose = (a, b) => setFilter(binRange(axis, Math.max(0, Math.min(a, b)), Math.min(nBins - 1, Math.max(a, b))));

  function draw() {
    const chosen = chosenBins();
    const tallest = Math.max(1, ...totals);
    drawBars(canvas, totals, binCounts(bins, nBins, counts), tallest, chosen);
    const [low, high] = chosen ? dataRange(chosen[0], chosen[1]) : [text(axis.first), text(axis.last)];
    ends.replaceChildren(
      createElement("span", {}, `${!chosen && axis.first > smallest ? "≤ " : ""}${low}`),
      createElement("span", {}, `${!chosen && axis.last < largest ? "≥ " : ""}${high}`));
    canvas.ariaLabel = `${colors.name}: ${low} to ${high}. Drag over a range, or use the arrow keys; Delete removes it.`;
  }

  installBrush(canvas, nBins, choose, () => setFilter(null), chosenBins);
  canvas.addEventListener("pointermove", (event) => {
    const bin = binAt(canvas, event, nBins);
    if (bin >= 0 && bin < nBins) canvas.title = `${dataRange(bin, bin).join(" to ")}: ${formatCount(totals[bin], "row")}`;
  });
  return { element, draw };
}

/** @param {Int8Array} bins @param {number} nBins @param {Counts} counts */
function binCounts(bins, nBins, counts) {
  const totals = new Uint32Array(nBins);
  bins.forEach((bin, row) => { if (bin >= 0 && counts(row)) totals[bin]++; });
  return totals;
}

/**
 * @param {HTMLCanvasElement} canvas @param {Uint32Array} totals @param {Uint32Array} passing
 * @param {number} tallest @param {number[] | null} chosen  first and last bin
 */
function drawBars(canvas, totals, passing, tallest, chosen) {
  const context = context2d(canvas);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  const width = WIDTH / totals.length;
  const bar = (/** @type {number} */ bin, /** @type {number} */ count, /** @type {string} */ color) => {
    context.fillStyle = color;
    const height = count ? Math.max(2, (HEIGHT * count) / tallest) : 0;
    context.fillRect(bin * width, HEIGHT - height, width - 1, height);
  };
  if (chosen) {
    context.fillStyle = cssVariable("--accent-soft");
    context.fillRect(chosen[0] * width, 0, (chosen[1] - chosen[0] + 1) * width, HEIGHT);
  }
  const [grey, accent] = [cssVariable("--bar"), cssVariable("--accent")];
  totals.forEach((count, bin) => bar(bin, count, grey));
  passing.forEach((count, bin) => {
    if (!chosen || (bin >= chosen[0] && bin <= chosen[1])) bar(bin, count, accent);
  });
}

/** Return the bin at the pointer. @param {HTMLCanvasElement} canvas @param {PointerEvent} event @param {number} nBins */
function binAt(canvas, event, nBins) {
  const frame = canvas.getBoundingClientRect();
  return Math.floor(((event.clientX - frame.left) / frame.width) * nBins);
}

/**
 * Choose bins with the pointer or with the keyboard. A click removes the choice.
 * @param {HTMLCanvasElement} canvas @param {number} nBins @param {(a: number, b: number) => void} choose
 * @param {() => void} clear @param {() => number[] | null} chosenBins
 */
function installBrush(canvas, nBins, choose, clear, chosenBins) {
  let firstBin = 0;
  let isClick = true;
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    firstBin = binAt(canvas, event, nBins);
    isClick = true;
  };
  canvas.onpointermove = (event) => {
    if (!canvas.hasPointerCapture(event.pointerId) || (isClick && binAt(canvas, event, nBins) === firstBin)) return;
    isClick = false;
    choose(firstBin, binAt(canvas, event, nBins));
  };
  canvas.onpointerup = () => { if (isClick) clear(); };
  canvas.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (step) {
      const [first, last] = chosenBins() ?? [Math.floor(nBins / 4), Math.floor((3 * nBins) / 4)];
      const isOutside = !event.shiftKey && (first + step < 0 || last + step >= nBins);
      if (!isOutside) choose(event.shiftKey ? first : first + step, Math.max(first, last + step));
    } else return;
    event.preventDefault();
    event.stopPropagation(); // The arrow keys also move the map.
  };
}

/**
 * Return a bar for each category, the largest first. A click on a bar chooses its category, and a
 * button shows the bars after the first eight.
 * @param {Colors} colors @param {Counts} counts @param {() => Filter | null} getFilter
 * @param {(filter: Filter | null) => void} setFilter @returns {Chart}
 */
export function barChart(colors, counts, getFilter, setFilter) {
  const { categories = [], values } = colors;
  const totals = countValues(values);
  const largest = Math.max(1, ...totals);
  const order = [...categories.keys(), MISSING].filter((category) => totals[category]).sort((a, b) => totals[b] - totals[a]);
  const chosen = () => {
    const filter = getFilter();
    return filter && "categories" in filter ? filter.categories : null;
  };

  /** @param {number} category */
  function toggle(category) {
    const next = new Set(chosen());
    if (!next.delete(category)) next.add(category);
    setFilter(next.size ? { categories: next } : null);
  }

  const bars = order.map((category) => {
    const name = category === MISSING ? "(missing)" : categoryTitle(categories[category]);
    const [bar, total, count] = ["i", "i", "span"].map((tag) => createElement(/** @type {"i"} */ (tag)));
    total.className = "total";
    bar.className = "passing";
    total.style.width = `${(100 * totals[category]) / largest}%`;
    const button = createButton({ className: "bar-line", title: name, onclick: () => toggle(category) },
      createElement("bdi", { className: "chart-name" }, fitName(name, NAME_WIDTH, FONT_SIZE)), createElement("span", { className: "bars" }, total, bar), count);
    return { category, button, bar, count };
  });
  const list = createElement("div", { className: "bar-chart" }, ...bars.map(({ button }) => button));
  if (order.length > MAX_BARS) {
    const more = createButton({ className: "button toggle" }, `Show all ${order.length} categories`);
    more.onclick = () => {
      const showsAll = list.classList.toggle("all");
      more.textContent = showsAll ? "Show fewer categories" : `Show all ${order.length} categories`;
    };
    list.append(more);
  }

  function draw() {
    const numbers = new Uint32Array(MISSING + 1);
    values.forEach((value, row) => { if (counts(row)) numbers[value]++; });
    const selected = chosen();
    for (const { category, button, bar, count } of bars) {
      button.setAttribute("aria-pressed", String(selected?.has(category) ?? false));
      button.classList.toggle("excluded", selected !== null && !selected.has(category));
      bar.style.width = `${(100 * numbers[category]) / largest}%`;
      bar.style.background = categoryColor(category, colors);
      count.textContent = formatWhole(numbers[category]);
    }
  }

  return { element: list, draw };
}
