import { codeOf, SessionStackError } from "../errors.ts";

/**
 * The limits of `memoryBackend`. A change that exceeds one is refused with `ERR_MEMORY_FULL`, and nothing is changed. The
 * history is different: it drops its oldest messages.
 */
export interface MemoryLimits {
  /** The most sessions, and also the most entries of users' sessions. @default 1_000_000 */
  maxSessions?: number;
  /** The most bytes of all sessions, as JSON. @default 536_870_912 */
  maxSessionBytes?: number;
  /** The most memberships: users of groups, over all groups. @default 1_000_000 */
  maxMemberships?: number;
  /** The most bytes of all data of connections, as JSON, with its keys. @default 67_108_864 */
  maxConnectionDataBytes?: number;
  /**
   * The most bytes of kept messages, with 100 bytes more for each message, each channel and each user who has entered
   * one. A message above the limit drops the oldest messages of its channel, and then those of the channel that was
   * quiet for longest.
   *
   * @default 67_108_864
   */
  maxHistoryBytes?: number;
}

/** The current usage of `memoryBackend`. */
export interface MemoryStats {
  /** Sessions, some of which may have expired. */
  readonly sessions: number;
  /** Bytes of these sessions, as JSON. */
  readonly sessionBytes: number;
  /** Users of groups, over all groups. */
  readonly memberships: number;
  /** Bytes of data of connections, as JSON, with its keys. */
  readonly connectionDataBytes: number;
  /** Bytes of kept messages, channels and users who have entered them, some of which may have expired. */
  readonly historyBytes: number;
}

const DEFAULTS: Readonly<Required<MemoryLimits>> = Object.freeze({
  maxSessions: 1_000_000,
  maxSessionBytes: 536_870_912,
  maxMemberships: 1_000_000,
  maxConnectionDataBytes: 67_108_864,
  maxHistoryBytes: 67_108_864,
});

/** The usage and the limit of one resource. */
export class MemoryQuota {
  readonly #option: keyof MemoryLimits;
  readonly #most: number;
  #used = 0;

  constructor(option: keyof MemoryLimits, most: number) {
    this.#option = option;
    this.#most = most;
  }

  get used(): number {
    return this.#used;
  }

  /** Adds to the usage; a negative number reduces it. */
  count(more: number): void {
    this.#used += more;
  }

  /**
   * Checks whether there is room for `more`. If there is none, `sweep` first drops some expired entries.
   *
   * @throws {SessionStackError} if there is still no room.
   */
  check(more: number, sweep?: () => void): void {
    if (this.hasRoom(more)) return;
    sweep?.();
    if (this.hasRoom(more)) return;
    throw new SessionStackError(
      "ERR_MEMORY_FULL",
      `The memory backend is full: ${this.#option} is ${this.#most}; allow more, keep less, or use redisBackend.`,
    );
  }

  /** Whether there is room for `more`. */
  hasRoom(more: number): boolean {
    return more <= 0 || this.#used + more <= this.#most;
  }

  /** Whether there would be room for `more` if nothing else were kept. */
  canHold(more: number): boolean {
    return more <= this.#most;
  }
}

/** The quotas of all that a process keeps. */
export class MemoryQuotas {
  readonly sessions: MemoryQuota;
  readonly sessionBytes: MemoryQuota;
  readonly entries: MemoryQuota;
  readonly memberships: MemoryQuota;
  readonly connectionDataBytes: MemoryQuota;
  readonly historyBytes: MemoryQuota;

  constructor(limits: MemoryLimits = {}) {
    const quota = (option: keyof MemoryLimits) => new MemoryQuota(option, limits[option] ?? DEFAULTS[option]);
    this.sessions = quota("maxSessions");
    this.sessionBytes = quota("maxSessionBytes");
    this.entries = quota("maxSessions");
    this.memberships = quota("maxMemberships");
    this.connectionDataBytes = quota("maxConnectionDataBytes");
    this.historyBytes = quota("maxHistoryBytes");
  }

  get stats(): MemoryStats {
    return {
      sessions: this.sessions.used,
      sessionBytes: this.sessionBytes.used,
      memberships: this.memberships.used,
      connectionDataBytes: this.connectionDataBytes.used,
      historyBytes: this.historyBytes.used,
    };
  }
}

/** Whether an error says that there was no room, so that nothing was changed. */
export function isMemoryFull(error: unknown): boolean {
  return codeOf(error) === "ERR_MEMORY_FULL";
}
