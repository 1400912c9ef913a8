// The types of client.js, which is built from this module.
export * from "../client.js";
