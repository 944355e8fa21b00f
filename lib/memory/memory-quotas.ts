import { codeOf, SessionStackError } from "../errors.ts";

/** How much `memoryBackend` keeps. What is refused above it is `ERR_MEMORY_FULL`, and nothing is changed. */
export interface MemoryLimits {
  /** Sessions, and also entries of users' sessions. @default 1_000_000 */
  maxSessions?: number;
  /** Bytes of all sessions, as JSON. @default 536_870_912 */
  maxSessionBytes?: number;
  /** Memberships: users of groups, over all groups. @default 1_000_000 */
  maxMemberships?: number;
  /** Bytes of all data of connections, as JSON, with its keys. @default 67_108_864 */
  maxConnectionDataBytes?: number;
}

/** What `memoryBackend` keeps now. */
export interface MemoryStats {
  /** Sessions, some of which may have expired. */
  readonly sessions: number;
  /** Bytes of them, as JSON. */
  readonly sessionBytes: number;
  /** Users of groups, over all groups. */
  readonly memberships: number;
  /** Bytes of data of connections, as JSON, with its keys. */
  readonly connectionDataBytes: number;
}

const DEFAULTS: Readonly<Required<MemoryLimits>> = Object.freeze({
  maxSessions: 1_000_000,
  maxSessionBytes: 536_870_912,
  maxMemberships: 1_000_000,
  maxConnectionDataBytes: 67_108_864,
});

/** How much there is of one thing, and may be. */
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

  /** Counts more, or less if it is below 0. */
  count(more: number): void {
    this.#used += more;
  }

  /** Sees whether there may be so much more, if need be after `sweep` has dropped some of what has expired. @throws {SessionStackError} if not. */
  check(more: number, sweep?: () => void): void {
    if (this.#hasRoom(more)) return;
    sweep?.();
    if (this.#hasRoom(more)) return;
    throw new SessionStackError(
      "ERR_MEMORY_FULL",
      `The memory backend is full: ${this.#option} is ${this.#most}; allow more, keep less, or use redisBackend.`,
    );
  }

  #hasRoom(more: number): boolean {
    return more <= 0 || this.#used + more <= this.#most;
  }
}

/** The quotas of all that a process keeps. */
export class MemoryQuotas {
  readonly sessions: MemoryQuota;
  readonly sessionBytes: MemoryQuota;
  readonly entries: MemoryQuota;
  readonly memberships: MemoryQuota;
  readonly connectionDataBytes: MemoryQuota;

  constructor(limits: MemoryLimits = {}) {
    const quota = (option: keyof MemoryLimits) => new MemoryQuota(option, limits[option] ?? DEFAULTS[option]);
    this.sessions = quota("maxSessions");
    this.sessionBytes = quota("maxSessionBytes");
    this.entries = quota("maxSessions");
    this.memberships = quota("maxMemberships");
    this.connectionDataBytes = quota("maxConnectionDataBytes");
  }

  get stats(): MemoryStats {
    return {
      sessions: this.sessions.used,
      sessionBytes: this.sessionBytes.used,
      memberships: this.memberships.used,
      connectionDataBytes: this.connectionDataBytes.used,
    };
  }
}

/** Whether an error says that there was no room, so that nothing was changed. */
export function isMemoryFull(error: unknown): boolean {
  return codeOf(error) === "ERR_MEMORY_FULL";
}
