import { type Outcomes, PENDING } from "./outcomes.ts";

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

/** Keeps outcomes in this process. Claims are kept apart, because outcomes are forgotten first. */
export class MemoryOutcomes implements Outcomes {
  readonly #claims = new Map<string, Kept>();
  readonly #outcomes = new Map<string, Kept>();
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
    if (known === undefined) this.#add(this.#claims, name, PENDING, lifeMs);
    return known;
  }

  async read(name: string): Promise<string | undefined> {
    return this.#find(name);
  }

  async keep(name: string, outcome: string, lifeMs: number): Promise<void> {
    this.#drop(name);
    this.#add(this.#outcomes, name, outcome, lifeMs);
  }

  async release(name: string): Promise<void> {
    this.#drop(name);
  }

  #find(name: string): string | undefined {
    const kept = this.#outcomes.get(name) ?? this.#claims.get(name);
    if (!kept || kept.until > this.#now()) return kept?.outcome;
    this.#drop(name);
    return undefined;
  }

  #add(to: Map<string, Kept>, name: string, outcome: string, lifeMs: number): void {
    to.set(name, { outcome, until: this.#now() + lifeMs });
    this.#bytes += bytesOf(name, outcome);
    for (const oldest of this.#names()) {
      if (this.#claims.size + this.#outcomes.size <= this.#maxOutcomes && this.#bytes <= this.#maxBytes)
        break;
      this.#drop(oldest);
    }
  }

  #drop(name: string): void {
    for (const kept of [this.#outcomes, this.#claims]) {
      const known = kept.get(name);
      if (known && kept.delete(name)) this.#bytes -= bytesOf(name, known.outcome);
    }
  }

  /** Drops what is over. Lives differ little, so the oldest ones are over first. */
  #dropOld(): void {
    const now = this.#now();
    for (const kept of [this.#outcomes, this.#claims])
      for (const [name, { until }] of kept) {
        if (until > now) break;
        this.#drop(name);
      }
  }

  /** All names, in the order in which they are forgotten. */
  *#names(): Generator<string> {
    yield* this.#outcomes.keys();
    yield* this.#claims.keys();
  }
}

function bytesOf(name: string, outcome: string): number {
  return Buffer.byteLength(name) + Buffer.byteLength(outcome);
}
