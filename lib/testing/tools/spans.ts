import assert from "node:assert/strict";

/** When a call began and when it was answered, by a count of such moments, and what came of it. */
export interface Span<T> {
  readonly began: number;
  readonly ended: number;
  readonly result: T;
}

/** Takes down when calls run: of calls that run at once nobody knows which came first, of others everybody does. */
export class Chronicle {
  #moment = 0;

  /** Makes a call, and gives what it resolved to with its span. */
  async during<T>(call: () => Promise<T>): Promise<Span<T>> {
    const began = this.#moment++;
    const result = await call();
    return { began, ended: this.#moment++, result };
  }
}

/**
 * Asserts that there is an order in which the calls of one kind and of the other took turns, each at some moment
 * of its span, from the first one on; and that as many are left on as said.
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
