// @ts-check

/** The server cannot read the cursor: everything is to be fetched again, and the line goes on from now. */
export class LineMisplacedEvent extends Event {
  constructor() {
    super("line-misplaced");
  }

  copy() {
    return new LineMisplacedEvent();
  }
}
