// @ts-check
import { showExactTime } from "../inbox/item-times.js";

/** `<local-times>` shows the times in it exactly, in the viewer's zone. Without a script they are as the server wrote. */
export class LocalTimesElement extends HTMLElement {
  connectedCallback() {
    for (const time of this.querySelectorAll("time")) showExactTime(time);
  }
}
