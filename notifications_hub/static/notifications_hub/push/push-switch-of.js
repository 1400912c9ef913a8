// @ts-check
import { PushApi } from "./push-api.js";
import { PushSwitch } from "./push-switch.js";

/**
 * What the attributes of `_push_attributes.html` describe.
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

/** @param {Element} element */
export function pushApiOf(element) {
  const at = (/** @type {string} */ name) => new URL(element.getAttribute(name) ?? "", document.baseURI);
  return new PushApi({ base: at("api"), keyUrl: at("key-url"), csrf: element.getAttribute("csrf") ?? "" });
}
