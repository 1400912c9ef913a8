// @ts-check
import { PushApi } from "./push-api.js";
import { PushSwitch } from "./push-switch.js";

/**
 * Build the switch from the attributes of `_push_attributes.html`.
 *
 * @param {Element} element
 */
export function pushSwitchOf(element) {
  const text = (/** @type {string} */ name) => element.getAttribute(name) ?? "";
  const at = (/** @type {string} */ name) => new URL(text(name), document.baseURI).href;
  return new PushSwitch({
    api: pushApiOf(element),
    workerUrl: text("sw") && at("sw"),
    renewUrl: at("renew-url"),
    person: text("person"),
    binding: text("binding"),
  });
}

/**
 * Build the API client from the same attributes.
 *
 * @param {Element} element
 */
export function pushApiOf(element) {
  const at = (/** @type {string} */ name) => new URL(element.getAttribute(name) ?? "", document.baseURI);
  return new PushApi({ base: at("api"), keyUrl: at("key-url"), csrf: element.getAttribute("csrf") ?? "" });
}
