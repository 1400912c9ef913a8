// @ts-check
import { followBell } from "../banners/follow-bell.js";
import { recordOutsideClicks } from "../inbox/outside-clicks.js";
import { AnnouncementBannersElement } from "./announcement-banners-element.js";

class BannersOfPeople extends AnnouncementBannersElement {
  /** @override */
  follow = followBell;
}

if (!customElements.get("announcement-banners")) customElements.define("announcement-banners", BannersOfPeople);
// A page may have banners without a bell.
recordOutsideClicks();
