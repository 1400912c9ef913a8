// @ts-check
/**
 * The first character of a name that can be seen: around one that is read from right to left there are others.
 *
 * @param {string} name
 */
export function initialOf(name) {
  return (name.match(/[^\p{Default_Ignorable_Code_Point}\s]/u)?.[0] ?? "?").toUpperCase();
}
