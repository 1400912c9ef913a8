// @ts-check
/**
 * The interface of every kind of connection, and the messages it can send. See `WebSocketConnection`.
 *
 * @typedef {{ack?: string, visible?: boolean, topics?: string[]}} Message
 * @typedef {EventTarget & {open(): void, close(): void, send(message: Message): boolean}} Connection
 */
export {};
