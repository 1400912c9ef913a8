// @ts-check
/** Fill the sign-up form's hidden field with the browser's time zone. */

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("input[data-time-zone]")) {
  if (field instanceof HTMLInputElement && !field.value) {
    field.value = zone;
  }
}
