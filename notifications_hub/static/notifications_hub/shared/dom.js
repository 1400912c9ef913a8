// @ts-check

/**
 * A copy of what a `<template data-part>` of this element holds.
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
 * @param {Element} root
 * @param {string} name
 */
export function part(root, name) {
  return /** @type {HTMLElement} */ (root.querySelector(`[data-part="${name}"]`));
}

/**
 * Writes only what differs, so that screen readers and selections are left in peace.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Whether somebody who looks at the page has it before their eyes.
 *
 * @param {Element} element
 */
export function isInSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return document.visibilityState === "visible" && bottom > 0 && top < window.innerHeight;
}

/** The language people read this page in. */
export function pageLanguage() {
  return document.documentElement.lang || navigator.language;
}
