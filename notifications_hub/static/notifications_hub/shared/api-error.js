// @ts-check

/** The API refused a request, or could not be reached (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail || `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
  }

  get signedOut() {
    return this.status === 401 || this.status === 403;
  }
}
