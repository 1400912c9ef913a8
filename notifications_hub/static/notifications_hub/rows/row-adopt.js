// @ts-check

/** Attributes set by this page or by the reader, which stay. */
const KEPT = new Set(["data-new", "data-changed", "open", "tabindex"]);

/**
 * Make an element equal to a fresh one from the server, but change only the differences. Focus, selection and unsent
 * input stay.
 *
 * @param {Element} element
 * @param {Element} fresh
 */
export function adopt(element, fresh) {
  if (element.isEqualNode(fresh)) return;
  adoptAttributes(element, fresh);
  const [own, others] = [[...element.children], [...fresh.children]];
  const alike = own.length === others.length && own.every((child, at) => child.localName === others[at]?.localName);
  if (own.length > 0 && alike) {
    for (const [at, child] of own.entries()) adopt(child, /** @type {Element} */ (others[at]));
  } else if (own.length > 0 || others.length > 0) {
    element.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  } else if (element.textContent !== fresh.textContent) {
    element.textContent = fresh.textContent;
  }
}

/**
 * @param {Element} element
 * @param {Element} fresh
 */
function adoptAttributes(element, fresh) {
  for (const name of element.getAttributeNames()) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) element.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (element.getAttribute(name) !== value && !KEPT.has(name)) element.setAttribute(name, value);
  }
}
