// @ts-check

/**
 * Which of our topics a refusal names. One that names none of them is about the person, so about the inbox.
 *
 * @param {string} reason
 * @param {Iterable<string>} topics
 */
export function refusedTopic(reason, topics) {
  const words = reason.split(/[\s,:;"'“”]+/);
  return [...topics].find((name) => words.includes(name)) ?? "inbox";
}
