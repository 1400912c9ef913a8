// @ts-check

/**
 * The rows of a list as its page has them now. Rejects where that cannot be had.
 *
 * @param {HTMLElement} host its `src`, by default the page itself, answers with the list, or with its rows alone
 * @param {AbortSignal} signal
 */
export async function fetchRows(host, signal) {
  const src = host.getAttribute("src");
  const url = new URL(src || location.href, document.baseURI);
  if (url.origin !== location.origin) throw new Error(`${url.origin} is not where this page comes from`);
  const response = await fetch(url, { headers: { Accept: "text/html" }, signal });
  // Whoever has to sign in again is shown another page.
  if (!response.ok || response.redirected) throw new Error(`${url.pathname} answers ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const list = page.querySelector(`live-list[topic="${CSS.escape(host.getAttribute("topic") ?? "")}"]`);
  if (!list && !src) throw new Error(`${url.pathname} has no such list`);
  const rows = (list ?? page.body).querySelectorAll("[data-key]");
  return /** @type {HTMLElement[]} */ ([...rows]);
}
