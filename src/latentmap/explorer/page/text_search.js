/*
 * Full-text search: which rows contain the words of a query in a name, text, label, category, number
 * or date. Case and accents are ignored.
 */

import { categoryTitle } from "./format.js";
import { MISSING, columns, loadColors, loadTexts, numberOf, quantize, scene, storedScales } from "./scene.js";

/** @import { Colors, Source } from "./types.js" */

const SECONDS_PER_DAY = 86_400;

/** Names of the buffers of texts that are searched; the names of rows come first. */
export const textBuffers = [...new Set([
  ...(scene.names ? [scene.names] : []),
  ...[...columns.keys()].filter((j) => columns[j].kind === "text").map((j) => `originals-text-${j}`),
])];

/** @type {Map<string, Promise<string[]>>} */
const foldedLists = new Map();

/** Return a text in lower case without accents. @param {string} text */
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Return the folded texts of all rows in a buffer. @param {Source} source @param {string} name */
function loadFoldedTexts(source, name) {
  const load = async () => (await loadTexts(source, name)).map((/** @type {string | null} */ text) => fold(text ?? ""));
  const texts = foldedLists.get(name) ?? load();
  foldedLists.set(name, texts);
  return texts;
}

/**
 * Return the words of a query; words in quotation marks stay together.
 * @param {string} query
 */
export const queryWords = (query) =>
  [...query.matchAll(/"([^"]+)"|([^\s"]+)/g)].map(([, phrase, word]) => fold(phrase ?? word).trim()).filter(Boolean);

/**
 * Return the ranges [start, end] of a text that match a word, in ascending order.
 * @param {string} text @param {string[]} words  of `queryWords`
 */
export function matchingRanges(text, words) {
  let folded = "";
  /** The position in the text of each character of the folded text, and of its end. @type {number[]} */
  const positions = [];
  let position = 0;
  for (const character of text) {
    const part = fold(character);
    folded += part;
    positions.push(...Array(part.length).fill(position));
    position += character.length;
  }
  positions.push(position);
  /** @type {number[][]} */
  const ranges = [];
  for (const word of words) {
    for (let i = folded.indexOf(word); i >= 0; i = folded.indexOf(word, i + word.length)) {
      ranges.push([positions[i], positions[i + word.length]]);
    }
  }
  ranges.sort(([a], [b]) => a - b);
  return ranges.filter(([start], k) => k === 0 || start >= ranges[k - 1][1]);
}

/**
 * Return 1 for each row that contains all words of a query.
 * @param {Source} source @param {string} query
 */
export async function findRows(source, query) {
  const lists = await Promise.all(textBuffers.map((name) => loadFoldedTexts(source, name)));
  const scales = await Promise.all(storedScales.map((i) => loadColors(source, i)));
  const matches = new Uint8Array(scene.n).fill(1);
  for (const word of queryWords(query)) {
    const hits = rowsWithWord(word, lists, scales);
    matches.forEach((_, i) => { matches[i] &= hits[i]; });
  }
  return matches;
}

/** @param {string} word @param {string[][]} lists @param {Colors[]} scales */
function rowsWithWord(word, lists, scales) {
  const hits = new Uint8Array(scene.n);
  for (const list of lists) list.forEach((text, i) => { if (text.includes(word)) hits[i] = 1; });
  for (const scale of scales) {
    const isHit = valueTest(word, scale);
    if (isHit) scale.values.forEach((value, i) => { if (value !== MISSING && isHit(value)) hits[i] = 1; });
  }
  if (String(Number(word)) === word) hits.forEach((_, i) => { if (numberOf(i) === Number(word)) hits[i] = 1; });
  return hits;
}

/**
 * Return a function that tests whether a word matches a quantised value, or null if it matches none.
 * @param {string} word @param {Colors} scale @returns {((value: number) => boolean) | null}
 */
function valueTest(word, scale) {
  if (scale.categories) {
    const matches = scale.categories.map((name) => fold(categoryTitle(name)).includes(word));
    return matches.includes(true) ? (value) => matches[value] : null;
  }
  const range = scale.column !== undefined && columns[scale.column].kind === "date" ? dateRange(word) : numberRange(word);
  if (!range) return null;
  const [start, end] = range.map((number) => quantize(number, scale));
  // Quantisation changes a number by up to half a step. The range does not include its end.
  const last = end - start > 1 ? end - 0.5 : end + 0.5;
  return (value) => value > start - 0.5 && value < last;
}

/**
 * Return the numbers that round to a written number: 12.25 to 12.35 for "12.3".
 * @param {string} word
 */
function numberRange(word) {
  const text = word.replace("−", "-").replaceAll(",", "");
  if (!/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return null;
  const half = 0.5 * 10 ** -(text.split(".")[1]?.length ?? 0);
  return [Number(text) - half, Number(text) + half];
}

/** Return the seconds since 1970 of a year, month or day: "2024", "2024-05". @param {string} word */
function dateRange(word) {
  const match = word.match(/^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/);
  if (!match) return null;
  const [year, month, day] = match.slice(1).map(Number);
  const start = Date.UTC(year, (month || 1) - 1, day || 1) / 1000;
  if (day) return [start, start + SECONDS_PER_DAY];
  return [start, Date.UTC(month ? year : year + 1, month || 0, 1) / 1000];
}
