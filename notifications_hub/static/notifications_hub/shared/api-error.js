// @ts-check

/** The API refused a request, or could not be reached (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {any} [answer] the parsed JSON
   * @param {number} [retryAfter] seconds after which another try may succeed; 0 if unknown
   */
  constructor(status, detail, answer = null, retryAfter = 0) {
    super(detail || `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.detail = detail;
    this.answer = answer;
    this.retryAfter = retryAfter;
  }

  get signedOut() {
    return this.status === 401 || this.status === 403;
  }
}
