// @ts-check
const COOKIE = "notifications_hub_zone";
const YEAR = 365 * 24 * 60 * 60;

/**
 * Tell the server this browser's time zone, in a cookie. A page that was rendered without it is loaded again, once: not
 * one that answers a form, which would be sent again.
 */
function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `${COOKIE}=${zone}`;
  if (!zone || isKept(cookie)) return;
  // biome-ignore lint/suspicious/noDocumentCookie: Firefox and Safari have no cookie store for pages.
  document.cookie = `${cookie}; path=${pathOfPages()}; max-age=${YEAR}; samesite=lax`;
  if (isKept(cookie) && !document.querySelector("[data-answers-form]")) location.reload();
}

/** Return the path that all pages of announcements begin with: no other page needs the cookie. */
function pathOfPages() {
  return /^.*\/announcement\//.exec(location.pathname)?.[0] ?? "/";
}

/** @param {string} cookie */
function isKept(cookie) {
  return document.cookie.split("; ").includes(cookie);
}

tellZone();
