// @ts-check

/**
 * Return the topic that a refusal names. A refusal that names no topic of ours concerns the person: it means the inbox.
 *
 * @param {string} reason
 * @param {Iterable<string>} topics
 */
export function refusedTopic(reason, topics) {
  const words = reason.split(/[\s,:;"'“”]+/);
  return [...topics].find((name) => words.includes(name)) ?? "inbox";
}
