import { type Outcomes, ownerOf, PENDING } from "./outcomes.ts";

interface Kept {
  readonly outcome: string;
  readonly until: number;
}

/** Limits of what is kept. */
export interface OutcomeLimits {
  /** The most outcomes. @default 100_000 */
  maxOutcomes?: number;
  /** The most bytes of outcomes with their names. @default 67_108_864 */
  maxBytes?: number;
  /** The time in milliseconds. @default Date.now */
  now?: () => number;
}

/** Keeps outcomes in this process. */
export class MemoryOutcomes implements Outcomes {
  /** All names, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  /** The names of each owner, the oldest first. */
  readonly #owned = new Map<string, Set<string>>();
  readonly #maxOutcomes: number;
  readonly #maxBytes: number;
  readonly #now: () => number;
  #bytes = 0;

  constructor({ maxOutcomes = 100_000, maxBytes = 64 * 1024 * 1024, now = Date.now }: OutcomeLimits = {}) {
    this.#maxOutcomes = maxOutcomes;
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  async claim(name: string, lifeMs: number): Promise<string | undefined> {
    this.#dropOld();
    const known = this.#find(name);
    if (known === undefined) this.#add(name, PENDING, lifeMs);
    return known;
  }

  async read(name: string): Promise<string | undefined> {
    return this.#find(name);
  }

  async keep(name: string, outcome: string, lifeMs: number): Promise<void> {
    this.#drop(name);
    this.#add(name, outcome, lifeMs);
  }

  async release(name: string): Promise<void> {
    this.#drop(name);
  }

  #find(name: string): string | undefined {
    const kept = this.#kept.get(name);
    if (!kept || kept.until > this.#now()) return kept?.outcome;
    this.#drop(name);
    return undefined;
  }

  #add(name: string, outcome: string, lifeMs: number): void {
    const owner = ownerOf(name);
    const owned = this.#owned.get(owner) ?? new Set();
    this.#owned.set(owner, owned.add(name));
    this.#kept.set(name, { outcome, until: this.#now() + lifeMs });
    this.#bytes += bytesOf(name, outcome);
    // An owner gives way to itself first, so that nobody can push out what others have.
    for (const names of [owned, this.#kept.keys()])
      for (const oldest of names) {
        if (this.#kept.size <= this.#maxOutcomes && this.#bytes <= this.#maxBytes) return;
        if (oldest !== name) this.#drop(oldest);
      }
  }

  #drop(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#kept.delete(name);
    this.#bytes -= bytesOf(name, kept.outcome);
    const owned = this.#owned.get(ownerOf(name));
    owned?.delete(name);
    if (owned?.size === 0) this.#owned.delete(ownerOf(name));
  }

  /** Drops what is over. A claim lives longer than an outcome, so some of what is over may stay a little longer. */
  #dropOld(): void {
    const now = this.#now();
    for (const [name, { until }] of this.#kept) {
      if (until > now) return;
      this.#drop(name);
    }
  }
}

function bytesOf(name: string, outcome: string): number {
  return Buffer.byteLength(name) + Buffer.byteLength(outcome);
}
