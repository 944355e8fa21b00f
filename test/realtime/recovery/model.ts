/** A message that a node was asked to send. Times are those of the model: each event has the next one. */
export interface Sent {
  readonly n: number;
  /** The channel, such as `group:a` or `user:ada`. */
  readonly channel: string;
  readonly isKept: boolean;
  /** The client that does not get it. */
  readonly exceptId?: number | undefined;
  readonly start: number;
  end: number;
  /** Its number in the channel. `undefined` if it was not kept. */
  offset: number | undefined;
}

/** A time for which a user is in a group. Between `start` and `joined`, and between `leaving` and `end`, it may be either. */
export interface Stay {
  readonly start: number;
  joined: number;
  leaving: number;
  end: number;
  /** Whether the group need not have reached all clients when the user left. */
  wasDisturbed: boolean;
}

/** What a client was told. */
export type Heard = { readonly n: number; readonly at: number } | { readonly lost: string };

/** A client as the model sees it. */
export interface Listener {
  readonly id: number;
  readonly user: string;
  /** When the client had its first positions. */
  since: number;
  /** Times at which its session has ended for sure, and at which it began to log in again. */
  readonly absences: { readonly from: number; to: number }[];
  readonly heard: Heard[];
  /** When it was told the position of a channel. It cannot miss what was sent before the first time. */
  readonly told: readonly { readonly channel: string; readonly at: number }[];
}

/** Knows what each client must be told, and what it must not be told. */
export class Model {
  readonly #sent = new Map<number, Sent>();
  readonly #stays = new Map<string, Stay[]>();
  #time = 0;
  /** Whether nothing is disturbed any more. */
  isHealing = false;
  /** Whether something was disturbed since all clients had everything. */
  isDisturbed = false;
  /** Channels of which messages may be lost. */
  readonly mayLose = new Set<string>();

  now(): number {
    return ++this.#time;
  }

  begin(
    channel: string,
    { isKept = true, exceptId }: { isKept?: boolean; exceptId?: number | undefined } = {},
  ): Sent {
    const n = this.#sent.size + 1;
    const sent = { n, channel, isKept, exceptId, start: this.now(), end: Infinity, offset: undefined };
    this.#sent.set(n, sent);
    return sent;
  }

  numbered(n: number, offset: number): void {
    const sent = this.#sent.get(n);
    if (sent) sent.offset = offset;
  }

  stays(user: string, channel: string): Stay[] {
    const key = `${user} ${channel}`;
    const stays = this.#stays.get(key) ?? [];
    this.#stays.set(key, stays);
    return stays;
  }

  isIn(user: string, channel: string): boolean {
    return this.stays(user, channel).at(-1)?.leaving === Infinity;
  }

  /** What a client was told and must not have been. */
  mistakes(client: Listener): string[] {
    const mistakes: string[] = [];
    const offsets = new Map<string, number>();
    const seen = new Set<number>();
    for (const heard of client.heard) {
      if ("lost" in heard) {
        if (!this.mayLose.has(heard.lost)) mistakes.push(`${heard.lost} cannot be lost`);
        continue;
      }
      const sent = this.#sent.get(heard.n);
      if (!sent) {
        mistakes.push(`${heard.n} was never sent`);
        continue;
      }
      const what = `${sent.n} of ${sent.channel} (${sent.offset}, sent ${sent.start} to ${sent.end}, heard ${heard.at})`;
      if (seen.has(sent.n)) mistakes.push(`${what} came twice`);
      seen.add(sent.n);
      if (sent.exceptId === client.id && !this.#hadNewLine(client, sent))
        mistakes.push(`${what} came back to its sender`);
      if (!this.#mayHear(client, sent)) mistakes.push(`${what} was sent while the user was not there`);
      if (client.absences.some(({ from, to }) => sent.start > from && heard.at < to))
        mistakes.push(`${what} came after the end of the session`);
      if (sent.offset === undefined) continue;
      if (sent.offset <= (offsets.get(sent.channel) ?? 0)) mistakes.push(`${what} is not in order`);
      offsets.set(sent.channel, sent.offset);
    }
    return mistakes;
  }

  /** What a client must have been told, and was not. */
  missing(client: Listener): string[] {
    const heard = client.heard.map((each) => {
      const sent = "n" in each ? this.#sent.get(each.n) : undefined;
      return { sent, lost: "lost" in each ? each.lost : undefined };
    });
    const has = new Set(heard.map(({ sent }) => sent?.n));
    return [...this.#sent.values()]
      .filter((sent) => sent.offset !== undefined && !has.has(sent.n) && this.#mustHear(client, sent))
      .filter(({ channel, offset = 0 }) => {
        const at = (is: (other: number) => boolean) => (each: (typeof heard)[number]) =>
          each.sent?.channel === channel && each.sent.offset !== undefined && is(each.sent.offset);
        const before = heard.findLastIndex(at((other) => other < offset));
        const behind = heard.findIndex(at((other) => other > offset));
        const between = heard.slice(before + 1, behind < 0 ? undefined : behind);
        return !between.some(({ lost }) => lost === channel);
      })
      .map(({ n, channel, offset, start, end }) => `${n} of ${channel} (${offset}, sent ${start} to ${end})`);
  }

  /** Whether the client was on its next connection before the message was on its way. No node knows that one. */
  #hadNewLine(client: Listener, { start, end }: Sent): boolean {
    return client.told.some(({ channel, at }) => channel === `user:${client.user}` && at > start && at < end);
  }

  #mayHear(client: Listener, { channel, start, end }: Sent): boolean {
    if (channel.startsWith("user:")) return channel === `user:${client.user}`;
    return this.stays(client.user, channel).some((stay) => end >= stay.start && start <= stay.end);
  }

  #mustHear(client: Listener, { channel, start, end, exceptId }: Sent): boolean {
    if (start < client.since || exceptId === client.id) return false;
    if (channel.startsWith("user:")) return channel === `user:${client.user}`;
    const stay = this.stays(client.user, channel).find((each) => start > each.joined && end < each.leaving);
    if (!stay || stay.wasDisturbed) return false;
    return client.told.some(({ channel: name, at }) => name === channel && at > stay.start && at < start);
  }
}
