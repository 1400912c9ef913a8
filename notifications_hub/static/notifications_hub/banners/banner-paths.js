// @ts-check

/**
 * Return whether a page shows a banner. `banners/rules.py` decides the same on the server.
 *
 * `/shop/` stands for that page and all pages below it, `/` and `/about` for that page alone, and `*` for anything.
 *
 * @param {string[]} paths none: every page
 * @param {string} path begins after the site's prefix, and is not percent-encoded
 */
export function isShownOn(paths, path) {
  return paths.length === 0 || paths.some((rule) => matches(rule, path));
}

/**
 * Return the path of a page below the site's prefix.
 *
 * @param {string} pathname percent-encoded, as in `location`
 * @param {string} base the site's prefix, like "/" or "/hub/"
 */
export function pathBelow(pathname, base) {
  const prefix = base.replace(/\/$/, "");
  const path = decoded(pathname);
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}

/** @param {string} pathname */
function decoded(pathname) {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

/**
 * @param {string} rule
 * @param {string} path
 */
function matches(rule, path) {
  if (rule.includes("*")) return fits(rule.split("*"), path);
  return path === rule || (rule !== "/" && rule.endsWith("/") && path.startsWith(rule));
}

/**
 * Return whether the path has the pieces in this order, beginning and ending with the outer ones.
 *
 * @param {string[]} pieces at least two
 * @param {string} path
 */
function fits(pieces, path) {
  const [first = "", last = ""] = [pieces.at(0), pieces.at(-1)];
  const end = path.length - last.length;
  if (first.length > end || !path.startsWith(first) || !path.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = path.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
