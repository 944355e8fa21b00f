/** Seconds of handshakes that may come at once, because all tabs of a browser reconnect together. */
const BURST_SECONDS = 10;

/** Buckets kept at a time. Beyond that, the least recently used are dropped. */
const MAX_KNOWN = 100_000;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Limits handshakes by session or user. Each key has a bucket of tokens, which fills with time. */
export class HandshakeRate {
  readonly #perSecond: number;
  readonly #capacity: number;
  readonly #now: () => number;
  /** The buckets, least recently used first. */
  readonly #buckets = new Map<string, Bucket>();

  /** `now` is in milliseconds. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#capacity = Math.max(1, perSecond * BURST_SECONDS);
    this.#now = now;
  }

  /** The number of buckets. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Counts one handshake. Returns the seconds to wait if it is over the limit. */
  take(by: string): number | undefined {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return undefined;
    const now = this.#now();
    this.#forget(now);
    const bucket = this.#buckets.get(by) ?? { tokens: this.#capacity, filledAt: now };
    this.#buckets.delete(by);
    this.#buckets.set(by, bucket);
    bucket.tokens = this.#tokens(bucket, now);
    bucket.filledAt = now;
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / this.#perSecond);
    bucket.tokens--;
    return undefined;
  }

  /** Drops buckets that are full again: a full bucket equals none. */
  #forget(now: number): void {
    for (const [by, bucket] of this.#buckets) {
      if (this.#buckets.size < MAX_KNOWN && this.#tokens(bucket, now) < this.#capacity) return;
      this.#buckets.delete(by);
    }
  }

  #tokens({ tokens, filledAt }: Bucket, now: number): number {
    return Math.min(this.#capacity, tokens + ((now - filledAt) / 1000) * this.#perSecond);
  }
}
