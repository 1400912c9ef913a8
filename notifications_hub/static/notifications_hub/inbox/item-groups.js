// @ts-check
/** @import { Item, ItemGroup } from "../protocol/wire.js" */
import { newestFirst } from "./item-state.js";

/** The unread items that share a key: the newest stands for all, with what the server said of them last. */
export class ItemGroups {
  /** @type {Map<string, ItemGroup>} */
  #known = new Map();

  /** Forget all, and take over what the server says of listed items. @param {Item[]} items */
  reset(items) {
    this.#known.clear();
    this.add(items);
  }

  /** @param {Item[]} items */
  add(items) {
    for (const { group } of items) if (group?.count) this.#known.set(group.key, group);
  }

  /**
   * Take over what the server says of one group.
   *
   * @param {string} key
   * @param {ItemGroup} [group] undefined if nothing of it is unread
   */
  describe(key, group) {
    if (group?.count) this.#known.set(key, group);
    else this.#known.delete(key);
  }

  /** Count one that has just arrived: until the server says more, it is shown in its own words. @param {string} key */
  grow(key) {
    const known = this.#known.get(key);
    if (known) this.#known.set(key, { key, count: (known.count ?? 1) + 1 });
  }

  /** The groups of which the page may lack some. */
  get keys() {
    return [...this.#known.keys()];
  }

  /**
   * Return the items without those that a newer one stands for.
   *
   * @param {Item[]} loaded newest first
   */
  heads(loaded) {
    const seen = new Set();
    return loaded
      .filter(({ unread, group }) => {
        if (!unread || !group) return true;
        return !seen.has(group.key) && seen.add(group.key);
      })
      .map((item) => this.headOf(item, loaded));
  }

  /**
   * Return the unread items of a group that are not newer than this one, and their number in all if it is the newest.
   *
   * @param {Item} item
   * @param {Item[]} loaded newest first
   */
  under(item, loaded) {
    const group = loaded.filter((one) => one.unread && one.group?.key === item.group?.key);
    const ids = group.filter((one) => newestFirst(item, one) <= 0).map(({ id }) => id);
    const isHead = group[0]?.id === item.id;
    return { ids, count: isHead ? Math.max(this.headOf(item, loaded).group?.count ?? 1, ids.length) : ids.length };
  }

  /**
   * Return the item with its group, if it is not alone there.
   *
   * @param {Item} item
   * @param {Item[]} loaded
   */
  headOf(item, loaded) {
    if (!item.group) return item;
    const { key } = item.group;
    const here = item.unread ? loaded.filter(({ unread, group }) => unread && group?.key === key).length : 0;
    const known = item.unread ? this.#known.get(key) : undefined;
    const count = Math.max(known?.count ?? 0, here);
    return { ...item, group: count > 1 ? { ...known, key, count } : { key } };
  }
}
