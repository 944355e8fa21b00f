/** A sender that has something to send at the end of the tick. */
export interface Sender {
  flush(): void;
}

/** Sends everything that became due in one turn of the event loop together, in one write per connection. */
export class FlushQueue {
  #waiting: Sender[] = [];

  /** Adds a sender. A sender adds itself only once until it is flushed. */
  add(sender: Sender): void {
    // This waits until the events of all lines in this turn are read. Messages of one sender may come in several parts.
    if (this.#waiting.push(sender) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const sender of waiting) sender.flush();
  }
}
