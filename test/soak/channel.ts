/** A user or group to which numbered messages are sent, one after the other. */
export class Channel {
  /** Its name among those of this process, which is that of its user or group. */
  readonly name: string;
  readonly to: { readonly user: string } | { readonly group: string };
  /** The last number that was sent. */
  settled = 0;
  /** The numbers without an acknowledgement, which may or may not have been sent. */
  readonly unsure = new Set<number>();
  #isSending = false;

  constructor(to: { readonly user: string } | { readonly group: string }) {
    this.to = to;
    this.name = "user" in to ? to.user : to.group;
  }

  /** Sends the next number, unless one is under way. The order of two concurrent sends would be unknown. */
  async send(by: (data: object) => Promise<unknown>): Promise<boolean> {
    if (this.#isSending) return false;
    this.#isSending = true;
    const n = this.settled + 1;
    try {
      await by({ ...this.to, n });
      return true;
    } catch {
      this.unsure.add(n);
      return false;
    } finally {
      this.settled = n;
      this.#isSending = false;
    }
  }

  /** The count of acknowledged numbers between two numbers. */
  acknowledgedBetween(after: number, before: number): number {
    let count = 0;
    for (let n = after + 1; n < before; n++) if (!this.unsure.has(n)) count++;
    return count;
  }
}
