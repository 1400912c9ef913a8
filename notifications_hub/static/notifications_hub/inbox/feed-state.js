// @ts-check

/** Where a feed stands; always exactly one of these. */
export const FeedState = Object.freeze({
  LOADING: "loading",
  READY: "ready",
  FAILED: "failed",
  ENDED: "ended",
});

/** @typedef {typeof FeedState[keyof typeof FeedState]} State */
