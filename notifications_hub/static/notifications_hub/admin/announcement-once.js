// @ts-check

/**
 * Keep the form's key across the Back button. The browser then asks for the form anew, with another key, and fills in
 * what was written: sent again as it is, it must not be announced twice.
 * @param {HTMLFormElement} form
 */
export function keepKeyOnReturn(form) {
  const field = form.elements.namedItem("once");
  if (!(field instanceof HTMLInputElement)) return;
  const fresh = field.value;
  const earlier = history.state?.once;
  if (!earlier) {
    remember(fresh);
    return;
  }
  field.value = earlier;
  // Words that are changed are another announcement.
  form.addEventListener(
    "input",
    () => {
      field.value = fresh;
      remember(fresh);
    },
    { once: true },
  );
}

/** @param {string} once */
function remember(once) {
  history.replaceState({ ...history.state, once }, "");
}
