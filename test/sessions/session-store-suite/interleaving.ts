/** Chooses how long each step of an interleaving waits: the same seed gives the same choices. */
export class Interleaving {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = mulberry32(seed);
  }

  /** A whole number from 0 to `n - 1`. */
  int(n: number): number {
    return Math.floor(this.#random() * n);
  }

  /** Lets none, few or many steps of others come first, by microtasks or by turns of the event loop. */
  async pause(): Promise<void> {
    const turns = this.int(6);
    const byTurn = this.int(2) === 0;
    for (let turn = 0; turn < turns; turn++) {
      await (byTurn ? new Promise<void>((resolve) => setImmediate(resolve)) : undefined);
    }
  }

  /** The items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.map(() => rest.splice(this.int(rest.length), 1)[0] as T);
  }
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
