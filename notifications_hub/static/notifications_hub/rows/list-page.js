// @ts-check

/**
 * Fetch the current rows of a list from its page. Rejects if that fails.
 *
 * @param {HTMLElement} host its `src`, by default the page itself, returns the list or only its rows
 * @param {AbortSignal} signal
 */
export async function fetchRows(host, signal) {
  const src = host.getAttribute("src");
  const url = new URL(src || location.href, document.baseURI);
  if (url.origin !== location.origin) throw new Error(`${url.origin} is not where this page comes from`);
  const response = await fetch(url, { headers: { Accept: "text/html" }, signal });
  // A person who must sign in again is redirected to another page.
  if (!response.ok || response.redirected) throw new Error(`${url.pathname} answers ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const list = page.querySelector(`live-list[topic="${CSS.escape(host.getAttribute("topic") ?? "")}"]`);
  if (!list && !src) throw new Error(`${url.pathname} has no such list`);
  const rows = (list ?? page.body).querySelectorAll("[data-key]");
  return /** @type {HTMLElement[]} */ ([...rows]);
}
