import assert from "node:assert/strict";

/** When a call began and when it ended, as counted by its chronicle, and its result. */
export interface Span<T> {
  readonly began: number;
  readonly ended: number;
  readonly result: T;
}

/** Records when calls run. The order of two calls is known, unless they ran at the same time. */
export class Chronicle {
  #moment = 0;

  /** Makes a call, and returns its span with its result. */
  async during<T>(call: () => Promise<T>): Promise<Span<T>> {
    const began = this.#moment++;
    const result = await call();
    return { began, ended: this.#moment++, result };
  }
}

/**
 * Asserts that the two kinds of calls can have alternated, beginning with an "on". Each call takes effect at some
 * moment of its span. Also asserts whether the last call that took effect was an "on".
 */
export function assertAlternate(
  ons: readonly Span<unknown>[],
  offs: readonly Span<unknown>[],
  isOnAtEnd: boolean,
): void {
  const moments = [...ons, ...offs].flatMap(({ began, ended }) => [began, ended]).sort((a, b) => a - b);
  for (const moment of moments) {
    const mayBe = (spans: readonly Span<unknown>[]) => spans.filter(({ began }) => began <= moment).length;
    const mustBe = (spans: readonly Span<unknown>[]) => spans.filter(({ ended }) => ended <= moment).length;
    assert.ok(mustBe(offs) <= mayBe(ons), "it went off that was not on");
    assert.ok(mustBe(ons) <= mayBe(offs) + 1, "it went on that was on");
  }
  assert.equal(ons.length - offs.length, isOnAtEnd ? 1 : 0, "turns on more than turns off");
}
