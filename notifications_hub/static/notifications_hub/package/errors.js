// @ts-check
import { ApiError } from "../shared/api-error.js";

/** The server could not be reached. */
export class OfflineError extends ApiError {
  /** @override */
  name = "OfflineError";
}

/** The session is over, or nobody is signed in. */
export class SignedOutError extends ApiError {
  /** @override */
  name = "SignedOutError";
}

/** The person may not do this, or the CSRF token is wrong. */
export class ForbiddenError extends ApiError {
  /** @override */
  name = "ForbiddenError";
}

/** Too many requests: try again after `retryAfter` seconds. */
export class TooManyRequestsError extends ApiError {
  /** @override */
  name = "TooManyRequestsError";
}

/** The request is invalid, or it is too late for it. `detail` says why. */
export class InvalidRequestError extends ApiError {
  /** @override */
  name = "InvalidRequestError";
}

/** The server failed. */
export class ServerError extends ApiError {
  /** @override */
  name = "ServerError";
}

/** @type {Record<number, typeof ApiError | undefined>} */
const BY_STATUS = { 0: OfflineError, 401: SignedOutError, 403: ForbiddenError, 429: TooManyRequestsError };

/**
 * Return the error in its own class. Anything but a refusal of the API stays as it is.
 *
 * @param {unknown} error
 */
export function typedError(error) {
  if (!(error instanceof ApiError)) return error;
  const { status, detail, answer, retryAfter } = error;
  const Typed = BY_STATUS[status] ?? (status < 500 ? InvalidRequestError : ServerError);
  return new Typed(status, detail, answer, retryAfter);
}
