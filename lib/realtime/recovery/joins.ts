import type { History, Position } from "../../history/history.ts";
import type { HistoryRule } from "./history-rule.ts";

/** Notes where users and connections have joined channels. They may read later messages alone. */
export class Joins {
  readonly #history: History;
  readonly #rule: HistoryRule;
  /** Where connections without a user have joined, by channel. */
  readonly #alone = new WeakMap<object, Map<string, Position>>();

  constructor(history: History, rule: HistoryRule) {
    this.#history = history;
    this.#rule = rule;
  }

  /**
   * Notes that a user joins a channel, and resolves to the position. This comes before the membership: a member without a
   * note may read everything, as one who joined so long ago that no earlier message is left.
   */
  async note(
    channel: string,
    userId: string,
    isMember: () => Promise<boolean>,
  ): Promise<Position | undefined> {
    const kept = this.#rule(channel);
    if (!kept || (await isMember())) return undefined;
    return this.#history.enter(channel, userId, kept.maxAgeSeconds);
  }

  /** Notes that a connection without a user joins a channel, and resolves to the position. */
  async noteAlone(channel: string, connection: object): Promise<Position | undefined> {
    if (!this.#rule(channel)) return undefined;
    const [position] = await this.#history.positions([channel]);
    const known = this.#alone.get(connection) ?? new Map<string, Position>();
    this.#alone.set(connection, known.set(channel, position as Position));
    return position;
  }

  /** Forgets a connection without a user that has left a channel. */
  forgetAlone(channel: string, connection: object): void {
    this.#alone.get(connection)?.delete(channel);
  }

  /** Where a connection without a user has joined a channel. */
  ofAlone(channel: string, connection: object): Position | undefined {
    return this.#alone.get(connection)?.get(channel);
  }
}
