import { assertAlternate, type Span } from "../../lib/testing/tools/spans.ts";

function span(began: number, ended: number): Span<undefined> {
  return { began, ended, result: undefined };
}

describe("assertAlternate", () => {
  it.each<[string, Span<undefined>[], Span<undefined>[], boolean]>([
    ["nothing", [], [], false],
    ["one turn on", [span(0, 1)], [], true],
    ["turns one after another", [span(0, 1), span(4, 5)], [span(2, 3), span(6, 7)], false],
    ["turns at once, which can be put in order", [span(0, 9), span(1, 8)], [span(2, 7)], true],
    ["an end that is told before its beginning", [span(0, 3)], [span(1, 2)], false],
  ])("accepts %s", (_, ons, offs, isOnAtEnd) => {
    assertAlternate(ons, offs, isOnAtEnd);
  });

  it.each<[string, Span<undefined>[], Span<undefined>[], boolean]>([
    ["on twice", [span(0, 1), span(2, 3)], [span(4, 5)], true],
    ["off before it could be on", [span(2, 3)], [span(0, 1)], false],
    ["off twice", [span(0, 1)], [span(2, 3), span(4, 5)], false],
    ["on at the end that was told off", [span(0, 1)], [span(2, 3)], true],
    ["off at the end that was not told so", [span(0, 1)], [], false],
  ])("refuses %s", (_, ons, offs, isOnAtEnd) => {
    expect(() => assertAlternate(ons, offs, isOnAtEnd)).toThrow();
  });
});
