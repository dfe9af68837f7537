/*
 * Functions that find and create elements. Strings become text nodes, so HTML in the data is shown as
 * text.
 */

import { shortenName } from "./format.js";

/**
 * Return the first element that matches a selector; throw an error unless it has the given type.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} root @param {string} selector @param {new () => T} [type] @returns {T}
 */
export function find(root, selector, type = /** @type {any} */ (HTMLElement)) {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} ${selector}.`);
  return element;
}

/**
 * Return the element with an id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id @param {new () => T} [type] @returns {T}
 */
export const byId = (id, type) => find(document, `#${id}`, type);

/**
 * Create an element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Partial<HTMLElementTagNameMap[T]>} [properties]  of the element, none of which contains HTML
 * @param {...(Node | string)} children @returns {HTMLElementTagNameMap[T]}
 */
export function createElement(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/**
 * Create a button that does not submit a form.
 * @param {Partial<HTMLButtonElement>} properties @param {...(Node | string)} children
 */
export const createButton = (properties, ...children) =>
  createElement("button", { type: "button", ...properties }, ...children);

/**
 * Return the 2D drawing context of a canvas.
 * @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2DSettings} [settings]
 */
export function context2d(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  return context;
}

/** Return a colour or font of the style sheet. @param {string} name  for example "--ink" */
export const cssVariable = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const measuringContext = context2d(document.createElement("canvas"));
const MAX_NAME_LENGTH = 40;

/**
 * Shorten a name in the middle to a width.
 * @param {string} name @param {number} width @param {number} fontSize  both in CSS pixels
 */
export function fitName(name, width, fontSize) {
  measuringContext.font = `${fontSize}px ${cssVariable("--font")}`;
  let length = MAX_NAME_LENGTH;
  let text = shortenName(name, length);
  while (length > 2 && measuringContext.measureText(text).width > width) {
    length -= 1;
    text = shortenName(name, length);
  }
  return text;
}

/** Return whether the user prefers reduced motion. */
export const prefersReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Whether the main pointer of this device is a finger. */
export const hasTouchScreen = matchMedia("(pointer: coarse)").matches;

/** Scroll a section of the panel into view. @param {HTMLElement} section */
export const reveal = (section) =>
  section.scrollIntoView({ block: "nearest", behavior: prefersReducedMotion() ? "auto" : "smooth" });

/** Show a message over the map until the user closes it. @param {string} message */
export function showNotice(message) {
  const notice = byId("notice");
  find(notice, "p").textContent = message;
  find(notice, ".close").onclick = closeNotice;
  notice.hidden = false;
}

/** Show the message of an error. @param {unknown} error */
export const showError = (error) =>
  showNotice(error instanceof Error ? error.message : String(error));

/** Hide the message. */
export function closeNotice() {
  byId("notice").hidden = true;
}

/** Download a blob as a file. @param {Blob} blob @param {string} name */
export function saveFile(blob, name) {
  const link = createElement("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
