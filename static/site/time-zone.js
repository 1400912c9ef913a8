// @ts-check
/** Fills the sign-up form's hidden field with the time zone that this browser is set to. */

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("input[data-time-zone]")) {
  if (field instanceof HTMLInputElement && !field.value) {
    field.value = zone;
  }
}
