// @ts-check

/**
 * Return the ids of the banners that a visitor dismissed, from their cookie.
 *
 * @param {string} name
 * @param {string} cookies as `document.cookie` has them
 */
export function dismissedIn(name, cookies) {
  const prefix = `${name}=`;
  const found = cookies.split(/;\s*/).find((cookie) => cookie.startsWith(prefix)) ?? prefix;
  const keys = found.slice(prefix.length).replaceAll('"', "").split(".");
  return keys.filter((key) => /^\d+$/.test(key)).map((key) => `a${key}`);
}
