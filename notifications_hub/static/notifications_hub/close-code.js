// @ts-check

/** Why a server closes a connection, where that asks for more than waiting and trying again. */
export const CloseCode = Object.freeze({
  RESTART: 1012,
  BAD_FRAME: 4400,
  SESSION_OVER: 4401,
  TOPIC_REFUSED: 4403,
  TOO_MANY: 4429,
});
