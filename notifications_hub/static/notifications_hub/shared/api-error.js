// @ts-check

/** The API refused a request, or could not be reached (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {any} [answer] the parsed JSON
   */
  constructor(status, detail, answer = null) {
    super(detail || `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.answer = answer;
  }

  get signedOut() {
    return this.status === 401 || this.status === 403;
  }
}
