// @ts-check

/** A page whose visibility and network the test controls. */
export class FakePage extends EventTarget {
  visible = true;
  focused = false;
  hiddenFor = 0;

  /** @param {string} type */
  say(type) {
    this.dispatchEvent(new Event(type));
  }

  hide() {
    this.visible = false;
    this.say("page-hidden");
  }

  /** @param {number} hiddenFor */
  show(hiddenFor = 0) {
    this.visible = true;
    this.hiddenFor = hiddenFor;
    this.say("page-visible");
  }
}
