/*
 * Words of texts: the distinct words of each row, which are counted in groups of rows.
 */

import { columns, loadTexts, scene } from "./scene.js";

/** @import { Source } from "./types.js" */

/** @typedef {{ names: string[], rows: Uint32Array[] }} WordList  rows: indices of the words of each row */

const MAX_ROWS = 200_000; // The words of more rows need too much memory.
const MIN_ROWS = 3; // Words in fewer rows distinguish no group.
const MIN_WORDS = 3; // Minimum mean number of words of a text; columns of shorter strings are names.

/** A run of characters of scripts that have no spaces between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]{2}/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/** @type {Promise<WordList[]> | null} */
let lists = null;

/** Return the words of each column of texts, which are listed once. @param {Source} source */
export function loadWordLists(source) {
  const textColumns = [...columns.keys()].filter((j) => columns[j].kind === "text" && scene.n <= MAX_ROWS);
  lists ??= Promise.all(textColumns.map((j) => loadTexts(source, `originals-text-${j}`)))
    .then((texts) => texts.filter(areSentences).map(listWords));
  return lists;
}

/** @param {(string | null)[]} texts */
function areSentences(texts) {
  const known = texts.filter((text) => text !== null).slice(0, 1000);
  return known.reduce((sum, text) => sum + splitWords(text).length, 0) >= MIN_WORDS * known.length;
}

/** Return the words of at least two characters in lower case. @param {string} text */
export function splitWords(text) {
  const words = text.toLowerCase().match(/\p{L}[\p{L}\p{M}\p{N}_]+/gu) ?? [];
  return words.flatMap((word) => (UNSPACED.test(word)
    ? Array.from(segmenter.segment(word), ({ segment }) => segment).filter((part) => part.length > 1)
    : [word]));
}

/** @param {(string | null)[]} texts @returns {WordList} */
function listWords(texts) {
  const stopWords = new Set(scene.stop_words);
  /** @type {Map<string, number>} */
  const indices = new Map();
  /** @type {number[]} */
  const counts = [];
  const rows = texts.map((text) => {
    const words = new Set(splitWords(text ?? ""));
    return Uint32Array.from([...words].filter((word) => !stopWords.has(word)), (word) => {
      const index = indices.get(word) ?? indices.size;
      indices.set(word, index);
      counts[index] = (counts[index] ?? 0) + 1;
      return index;
    });
  });
  const names = [...indices.keys()];
  return { names, rows: rows.map((words) => words.filter((word) => counts[word] >= MIN_ROWS)) };
}

/**
 * Return, for each level, the number of its rows that contain each word.
 * @param {WordList} words @param {Uint8Array} levels  0, 1 or 2 for each row
 */
export function countWords({ names, rows }, levels) {
  const counts = [0, 1, 2].map(() => new Uint32Array(names.length));
  rows.forEach((words, row) => {
    const numbers = counts[levels[row]];
    for (const word of words) numbers[word]++;
  });
  return counts;
}
