/*
 * The one door through which elements are made. Children that are strings become text nodes, so
 * nothing that comes from data is ever read as HTML.
 */

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => document.getElementById(id);

/**
 * Make an element with these properties (never markup) and children (elements or plain texts).
 * @param {string} tag
 * @param {Object<string, *>} [properties]
 * @param {...(Node|string)} children
 */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** The place of a section's changing content. */
const bodyOf = (section) => section.querySelector(".body");

/** Whether people asked their system for less motion. */
const wantsStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Scroll a section of the panel into view, if it is not. */
const reveal = (section) =>
  section.scrollIntoView({ block: "nearest", behavior: wantsStill() ? "auto" : "smooth" });
