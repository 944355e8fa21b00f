import { Moves } from "../../lib/realtime/delivery/moves.ts";

describe("Moves", () => {
  const wasIn = (moves: Moves<string>, who: string) => [0, 1, 2, 3].map((number) => moves.wasIn(who, number));

  test("tell that a user without moves was in the channel all the time", () => {
    expect(wasIn(new Moves<string>(), "ada")).toEqual([true, true, true, true]);
  });

  test("tell that a user was in the channel from entering on", () => {
    const moves = new Moves<string>();
    moves.note("ada", true, 2);
    expect(wasIn(moves, "ada")).toEqual([false, false, true, true]);
    expect(wasIn(moves, "grace")).toEqual([true, true, true, true]);
  });

  test("tell that a user who left and came back was not in the channel in between", () => {
    const moves = new Moves<string>();
    moves.note("ada", false, 1);
    moves.note("ada", true, 3);
    expect(wasIn(moves, "ada")).toEqual([true, false, false, true]);
  });

  test("count the last of several moves at one moment", () => {
    const moves = new Moves<string>();
    moves.note("ada", false, 1);
    moves.note("ada", true, 1);
    expect(wasIn(moves, "ada")).toEqual([true, true, true, true]);
  });
});
