// @ts-check
import { followPublic } from "../banners/follow-public.js";
import { AnnouncementBannersElement } from "./announcement-banners-element.js";

class BannersOfVisitors extends AnnouncementBannersElement {
  /** @override */
  follow = followPublic;
}

if (!customElements.get("announcement-banners")) customElements.define("announcement-banners", BannersOfVisitors);
