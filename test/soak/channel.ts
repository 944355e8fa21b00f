/** Where numbered messages are sent to, one after the other: a user, or a group. */
export class Channel {
  /** Its name among those of this process, which is that of its user or group. */
  readonly name: string;
  readonly to: { readonly user: string } | { readonly group: string };
  /** The last number whose send has ended. */
  settled = 0;
  /** Those of them that were not acknowledged, and may or may not have been sent. */
  readonly unsure = new Set<number>();
  #isSending = false;

  constructor(to: { readonly user: string } | { readonly group: string }) {
    this.to = to;
    this.name = "user" in to ? to.user : to.group;
  }

  /** Sends the next number, unless one is under way: which of two came first could not be told. */
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

  /** How many acknowledged numbers lie between two. */
  acknowledgedBetween(after: number, before: number): number {
    let count = 0;
    for (let n = after + 1; n < before; n++) if (!this.unsure.has(n)) count++;
    return count;
  }
}
