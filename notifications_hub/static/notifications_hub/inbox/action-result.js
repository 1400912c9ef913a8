// @ts-check
/** @import { ItemResult } from "../protocol/wire.js" */
import { ApiError } from "../shared/api-error.js";

/**
 * Return the result that an answer or a refusal of the API carries. Raise any other refusal.
 *
 * @param {Promise<{result: ItemResult}>} answer
 * @returns {Promise<ItemResult>}
 */
export async function resultIn(answer) {
  try {
    return (await answer).result;
  } catch (error) {
    if (error instanceof ApiError && error.answer?.result) return error.answer.result;
    throw error;
  }
}
