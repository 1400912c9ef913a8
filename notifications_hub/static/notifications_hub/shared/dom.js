// @ts-check

/**
 * Return a copy of the content of one of the element's `<template data-part>`.
 *
 * @param {Element} host
 * @param {string} name
 */
export function copyOf(host, name) {
  const template = host.querySelector(`template[data-part="${name}"]`);
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`<${host.localName}> lacks its template "${name}"`);
  return /** @type {HTMLElement} */ (document.importNode(template.content, true).firstElementChild);
}

/**
 * Return the first descendant with this `data-part`.
 *
 * @param {Element} root
 * @param {string} name
 */
export function part(root, name) {
  return /** @type {HTMLElement} */ (root.querySelector(`[data-part="${name}"]`));
}

/**
 * Set the text only if it differs. An unchanged text would disturb screen readers and selections.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Return whether the element is within the visible part of a visible page.
 *
 * @param {Element} element
 */
export function isInSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return document.visibilityState === "visible" && bottom > 0 && top < window.innerHeight;
}

/** Return the language of this page. */
export function pageLanguage() {
  return languageOf(document.documentElement);
}

/**
 * Return the language of an element: its own, or that of what it is in.
 *
 * @param {Element} element
 */
export function languageOf(element) {
  return element.closest("[lang]")?.getAttribute("lang") || navigator.language;
}
