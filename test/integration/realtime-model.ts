/** The time from a call to its answer, in steps of the model's clock. */
export interface Span {
  readonly from: number;
  /** Infinity while the call is under way. */
  to: number;
}

export interface Change extends Span {
  readonly user: string;
  readonly group: string;
  readonly isIn: boolean;
}

export interface Sent extends Span {
  readonly sender: string;
  /** The number of the message at its sender. */
  readonly at: number;
  readonly group: string | undefined;
  /** The receiving user of a message that is not to a group. */
  readonly user: string | undefined;
  /** The excepted connection. */
  readonly exceptId: string | undefined;
}

/** A connection, from its welcome on. */
export interface Held {
  readonly id: string;
  readonly user: string;
  readonly welcomeAt: number;
  /** From this moment on messages may miss it. */
  goesAt: number;
  readonly received: { sender: string; at: number; when: number }[];
}

/**
 * Which messages may be delivered, and which must be. Overlapping operations may take effect in either order. Of
 * others, the later one counts.
 */
export class RealtimeModel {
  readonly changes: Change[] = [];
  readonly sent: Sent[] = [];
  readonly held: Held[] = [];
  #now = 0;

  /** The next step of the clock. */
  now(): number {
    return ++this.#now;
  }

  /** Records an operation while it runs. */
  async during<T extends Span>(list: T[], operation: Omit<T, keyof Span>, run: () => Promise<void>) {
    const noted = { ...operation, from: this.now(), to: Number.POSITIVE_INFINITY } as T;
    list.push(noted);
    await run();
    noted.to = this.now();
  }

  /** Whether the user is in the group, or `undefined` if that is uncertain. */
  isMember(user: string, group: string): boolean | undefined {
    const end = { from: this.#now, to: this.#now };
    if (this.#isSurely(true, user, group, end)) return true;
    return this.#isSurely(false, user, group, end) ? false : undefined;
  }

  /** The wrong and the missing deliveries, one in each line. */
  violations(): string[] {
    const byName = new Map(this.sent.map((sent) => [nameOf(sent), sent]));
    return this.held.flatMap((held) => {
      const got = new Set(held.received.map(nameOf));
      const missing = this.sent.filter((sent) => !got.has(nameOf(sent)) && this.#mustGet(held, sent));
      return [
        ...held.received.flatMap((received) => this.#wrong(held, received, byName.get(nameOf(received)))),
        ...missing.map((sent) => this.#describe("has not got", held, sent)),
        ...disorder(held),
      ];
    });
  }

  #mustGet({ id, user, welcomeAt, goesAt }: Held, sent: Sent): boolean {
    if (welcomeAt >= sent.from || goesAt <= sent.to || sent.exceptId === id) return false;
    if (sent.group === undefined) return sent.user === user;
    return this.#isSurely(true, user, sent.group, sent);
  }

  #wrong(held: Held, { when }: { when: number }, sent: Sent | undefined): string[] {
    if (!sent) return [`${held.id} has got what nobody has sent`];
    const mustNot =
      sent.group === undefined
        ? sent.user !== held.user
        : this.#isSurely(false, held.user, sent.group, { from: sent.from, to: when });
    if (!mustNot && sent.exceptId !== held.id) return [];
    return [this.#describe(`has got, at ${when},`, held, sent)];
  }

  #isSurely(isIn: boolean, user: string, group: string, { from, to }: Span): boolean {
    const changes = this.changes.filter((change) => change.user === user && change.group === group);
    if (changes.some((change) => change.isIn !== isIn && change.from <= to && change.to >= from))
      return false;
    const before = changes.filter((change) => change.to < from);
    const last = before.filter((change) => !before.some((other) => other.from > change.to));
    return last.length === 0 ? !isIn : last.every((change) => change.isIn === isIn);
  }

  #describe(what: string, { id, user, welcomeAt, goesAt }: Held, sent: Sent): string {
    const changes = this.changes.filter((change) => change.user === user && change.group === sent.group);
    const history = changes.map(({ isIn, from, to }) => `${isIn ? "join" : "leave"} ${from}-${to}`);
    const to = sent.group ?? sent.user;
    return `${id} of ${user}, there ${welcomeAt}-${goesAt}, ${what} ${nameOf(sent)} to ${to}, sent ${sent.from}-${sent.to}; ${history.join(", ")}`;
  }
}

/** The messages that a connection received twice or out of order. */
function disorder({ id, received }: Held): string[] {
  const last = new Map<string, number>();
  return received.flatMap(({ sender, at }) => {
    const before = last.get(sender) ?? -1;
    last.set(sender, at);
    return at > before ? [] : [`${id} has got ${sender}'s ${at} after ${before}`];
  });
}

function nameOf({ sender, at }: { sender: string; at: number }): string {
  return `${sender}'s ${at}`;
}
