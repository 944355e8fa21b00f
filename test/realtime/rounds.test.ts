import { type Round, Rounds } from "../../lib/realtime/groups/rounds.ts";
import { gate } from "./support.ts";

describe("Rounds", () => {
  // Once who came next was told at once that the work was done which all had left that it waited with.
  test("do the work for who comes after all have left that waited", async () => {
    const done: string[][] = [];
    const { opened, open } = gate();
    const rounds = new Rounds<string>(async ({ members }: Round<string>) => {
      await opened;
      done.push([...members]);
    });
    const first = rounds.join("ada", "first");
    const left = rounds.join("ada", "second");
    rounds.leave("ada", "second");
    await left;
    let isDone = false;
    const third = rounds.join("ada", "third").then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    open();
    await Promise.all([first, third]);
    expect(done).toEqual([["first"], ["third"]]);
  });

  test("tell who comes after all have left of the failure of its own work", async () => {
    let runs = 0;
    const rounds = new Rounds<string>(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (++runs > 1) throw new Error("its own");
    });
    const first = rounds.join("ada", "first");
    void rounds.join("ada", "second");
    rounds.leave("ada", "second");
    await expect(rounds.join("ada", "third")).rejects.toThrow("its own");
    await first;
  });
});
