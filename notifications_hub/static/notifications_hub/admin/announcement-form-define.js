// @ts-check
import { keepKeyOnReturn } from "./announcement-once.js";
import { AnnouncementReachElement } from "./announcement-reach-element.js";
import { AnnouncementTestElement } from "./announcement-test-element.js";
import { PeopleSearchElement } from "./people-search-element.js";

if (!customElements.get("announcement-reach")) {
  customElements.define("announcement-reach", AnnouncementReachElement);
  customElements.define("announcement-test", AnnouncementTestElement);
  customElements.define("people-search", PeopleSearchElement);
}

const form = document.getElementById("announcement_form");
if (form instanceof HTMLFormElement) keepKeyOnReturn(form);
