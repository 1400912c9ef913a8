// @ts-check
/**
 * Return the first visible character of a name. Right-to-left names may start with invisible marks.
 *
 * @param {string} name
 */
export function initialOf(name) {
  return (name.match(/[^\p{Default_Ignorable_Code_Point}\s]/u)?.[0] ?? "?").toUpperCase();
}
