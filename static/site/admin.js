// @ts-check
// Django's chooser of two lists names its help icons but gives them no role, so that screen readers skip the name.
// The chooser is built on "load", by a script that comes before this one.
addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".selector .help-tooltip[aria-label]")) icon.setAttribute("role", "img");
});
