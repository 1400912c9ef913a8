// @ts-check
/** @import { PushStateName } from "./push-state.js" */
import { ApiError } from "../shared/api-error.js";
import { PushState } from "./push-state.js";

/** Thrown if the browser fails to turn on pushes. It names the state to show. */
export class PushFailure extends Error {
  /**
   * @param {PushStateName} state
   * @param {unknown} cause
   */
  constructor(state, cause) {
    super(String(cause), { cause });
    this.name = "PushFailure";
    this.state = state;
  }
}

/** The failures that the API reports, by HTTP status. @type {Record<number, PushStateName | undefined>} */
const BY_STATUS = {
  0: PushState.OFFLINE,
  400: PushState.REFUSED,
  401: PushState.SIGNED_OUT,
  // Another person's session, whose CSRF token is not this page's.
  403: PushState.SIGNED_OUT,
  429: PushState.BUSY,
};

/**
 * Return the state that explains an error.
 *
 * @param {unknown} error
 * @returns {PushStateName}
 */
export function stateOfFailure(error) {
  if (error instanceof PushFailure) return error.state;
  const known = error instanceof ApiError ? BY_STATUS[error.status] : undefined;
  return known ?? PushState.FAILED;
}

/**
 * Return the failure of `pushManager.subscribe()`: it needs the permission and the browser maker's push service.
 *
 * @param {unknown} error
 * @param {boolean} online
 */
export function subscribeFailure(error, online) {
  const refused = error instanceof DOMException && error.name === "NotAllowedError";
  const unreached = online ? PushState.SERVICE : PushState.OFFLINE;
  return new PushFailure(refused ? PushState.DENIED : unreached, error);
}
