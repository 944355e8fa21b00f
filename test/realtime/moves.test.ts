import { Moves } from "../../lib/realtime/delivery/moves.ts";

describe("Moves", () => {
  const wasIn = (moves: Moves<string>, who: string) => [0, 1, 2, 3].map((number) => moves.wasIn(who, number));

  test("have who has not moved in a channel all the while", () => {
    expect(wasIn(new Moves<string>(), "ada")).toEqual([true, true, true, true]);
  });

  test("have who has come only from then on", () => {
    const moves = new Moves<string>();
    moves.note("ada", true, 2);
    expect(wasIn(moves, "ada")).toEqual([false, false, true, true]);
    expect(wasIn(moves, "grace")).toEqual([true, true, true, true]);
  });

  test("have who has gone and come back not in between", () => {
    const moves = new Moves<string>();
    moves.note("ada", false, 1);
    moves.note("ada", true, 3);
    expect(wasIn(moves, "ada")).toEqual([true, false, false, true]);
  });

  test("have the last word of several at one moment", () => {
    const moves = new Moves<string>();
    moves.note("ada", false, 1);
    moves.note("ada", true, 1);
    expect(wasIn(moves, "ada")).toEqual([true, true, true, true]);
  });
});
