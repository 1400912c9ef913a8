// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { NotificationList } from "../inbox/notification-list.js";
import { copyOf, part } from "../shared/dom.js";
import { Toast } from "../toasts/toast.js";

/**
 * `<kind-sample item="…" language="…">` on the page of kinds: shows an item as the bell's panel and as a toast do, by
 * their own code and templates. Nothing of it is sent.
 */
export class KindSampleElement extends HTMLElement {
  connectedCallback() {
    /** @type {Item} */
    const item = JSON.parse(this.getAttribute("item") ?? "");
    const parts = document.querySelector(
      `[data-part=parts][lang="${CSS.escape(this.getAttribute("language") ?? "")}"]`,
    );
    if (!parts) return;
    new NotificationList(part(this, "rows"), () => copyOf(parts, "row")).render([item]);
    // Its time never runs, so it stays.
    part(this, "toast").replaceChildren(new Toast(item, copyOf(parts, "toast"), () => {}).element);
    for (const figure of ["bell", "popup"]) part(this, figure).hidden = false;
  }
}
