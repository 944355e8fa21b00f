/** What has something to send at the end of the tick. */
export interface Sender {
  flush(): void;
}

/** Lets all that became due in one turn of the event loop leave together, one write for each connection. */
export class FlushQueue {
  #waiting: Sender[] = [];

  /** Takes in a sender, which does so once until it is flushed. */
  add(sender: Sender): void {
    // After the events of this turn were read, of all lines: a few messages of one sender may have come in several parts.
    if (this.#waiting.push(sender) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const sender of waiting) sender.flush();
  }
}
