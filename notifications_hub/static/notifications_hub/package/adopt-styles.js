// @ts-check

/**
 * Give the page a style sheet. A content policy allows this without a nonce, as no markup carries the styles.
 *
 * @param {string} css
 */
export function adoptStyles(css) {
  if (!globalThis.document) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
}
