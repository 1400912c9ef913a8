// @ts-check
/**
 * The data of the live protocol and the API.
 *
 * @typedef {object} Item
 * @property {string} id opaque; "a5" for an announcement, before and after it has a row
 * @property {string} kind
 * @property {string} title
 * @property {string} body
 * @property {string} url "" if it leads nowhere
 * @property {string} [leads_to] an announcement's page of another site; `url` is then its own page here
 * @property {string} level success, info, warning or error
 * @property {string} icon
 * @property {string} [avatar] the actor's picture, on this site or at https; only if the site has the setting for it
 * @property {string} tag a browser shows one notification per tag
 * @property {string} at ISO 8601
 * @property {boolean} unread
 * @property {boolean} seen
 * @property {boolean} archived
 * @property {boolean} delivered
 * @property {boolean} toast false to list and count it without a toast
 * @property {{code: string, words: string, object: string | null, unfollowed?: boolean}} [reason] why the person got
 *   it, if the site says so; `object` can be unfollowed, unless it is already
 * @property {ItemGroup} [group] unread items with the same key are shown as one
 * @property {boolean} [critical] true to show it in quiet hours too
 * @property {ItemAction[]} [actions] buttons that run something, until one has run
 * @property {ItemResult} [result] what came of an action that has run
 * @property {boolean} [must_acknowledge] true if the person must confirm it: it stays on top until then
 * @property {string | null} [acknowledged_at] beside it: when the person did, or null
 * @property {Record<string, any>} [data] stored by its kind
 * @property {Record<string, any>} [extension] columns that the site adds for pages
 * @property {boolean} [saved] true if the person has saved it
 * @property {string} [snoozed_until] when it comes back, while it is snoozed; it is then archived, too
 * @property {string} [scope] the part of the inbox it belongs to, such as a tenant; "" or none: all of them
 * @property {Record<string, {title: string, body: string}>} [translations] announcements carry every language
 * @property {{paths: string[], dismissable: boolean}} [banner] of an announcement that is a banner too, in its events
 *
 * @typedef {object} ItemGroup in events only the key; elsewhere more, if there are several
 * @property {string} key
 * @property {number} [count]
 * @property {string} [title]
 * @property {string} [body]
 * @property {string[]} [actors]
 *
 * @typedef {object} ItemAction
 * @property {string} name
 * @property {string} title
 * @property {string} style primary, danger or ""
 * @property {{label: string, required: boolean, max_length: number}} [asks] if it asks for a word
 *
 * @typedef {object} ItemResult
 * @property {string} action
 * @property {string} text who did what
 * @property {string} detail
 * @property {string} by
 * @property {string} at
 *
 * @typedef {object} Entry one event of a topic's log
 * @property {string} topic
 * @property {number | null} seq null if it is not logged (best effort)
 * @property {string} kind
 * @property {any} data
 * @property {string} at
 *
 * @typedef {object} Frame
 * @property {Entry[]} events
 * @property {string} cursor
 * @property {boolean} more
 * @property {string[]} reset
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {string} title
 * @property {string} state queued, running, retrying, done, failed or cancelled
 * @property {string} standing selects the words to show
 * @property {number} done
 * @property {number} total 0 if unknown
 * @property {string} text
 * @property {string} url "" without a result to fetch
 * @property {number} version the higher one is newer
 * @property {string} at
 *
 * @typedef {{results: Item[], count: number}} Unconfirmed the newest that the person must confirm, and how many
 * @typedef {{results: Item[], next: string | null, cursor: string, unconfirmed?: Unconfirmed, group?: ItemGroup}} Page
 * @typedef {{unread: number, unseen: number}} Counts
 *
 * @typedef {object} Bell what a page needs that no template of the site rendered
 * @property {string} live the prefix of the live addresses
 * @property {string} person the person's pseudonym
 * @property {string} csrf
 * @property {string | null} scope
 * @property {unknown} quiet
 * @property {number} unread
 * @property {number} unseen
 * @property {string} inbox_url
 * @property {string} preferences_url
 * @property {string} sign_in_url "" on a site without one
 * @property {string} [html] the markup of the bell
 */

/**
 * Parse a frame, or return null for any other message. A newer server may send messages that this client does not
 * know.
 *
 * @param {unknown} text
 * @returns {Frame | null}
 */
export function parseFrame(text) {
  const value = parseJson(text);
  if (!value || !Array.isArray(value.events) || typeof value.cursor !== "string") return null;
  return { events: value.events, cursor: value.cursor, more: value.more === true, reset: value.reset ?? [] };
}

/** @param {unknown} text */
function parseJson(text) {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
