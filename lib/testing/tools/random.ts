/** A random source that repeats its values for the same seed. Print `seed` when a test fails. */
export interface SeededRandom {
  readonly seed: number;
  /** A whole number from 0 to `n - 1`. */
  int(n: number): number;
  pick<T>(array: readonly T[]): T;
  /** True with probability `p`, from 0 to 1. */
  chance(p: number): boolean;
}

/** Mulberry32: 32 bits of state, good enough to choose interleavings. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;

  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  function int(n: number): number {
    return Math.floor(fraction() * n);
  }

  function pick<T>(array: readonly T[]): T {
    if (array.length === 0) throw new RangeError("pick needs an array that is not empty.");
    return array[int(array.length)] as T;
  }

  return { seed, int, pick, chance: (p) => fraction() < p };
}
