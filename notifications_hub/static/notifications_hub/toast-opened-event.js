// @ts-check

/** The person followed a toast. */
export class ToastOpenedEvent extends Event {
  /** @param {string} id */
  constructor(id) {
    super("toast-opened");
    this.id = id;
  }
}
