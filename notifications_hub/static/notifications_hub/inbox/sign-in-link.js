// @ts-check

/**
 * Return the address of the sign-in page, with the way back to the current page.
 *
 * @param {string} signIn
 * @param {{href: string, origin: string, pathname: string, search: string, hash: string}} page its location
 */
export function signInLink(signIn, page) {
  const url = new URL(signIn, page.href);
  const here = page.pathname + page.search + page.hash;
  url.searchParams.set("next", url.origin === page.origin ? here : page.href);
  return url.href;
}
