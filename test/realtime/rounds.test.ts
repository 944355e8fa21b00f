import { type Round, Rounds } from "../../lib/realtime/delivery/rounds.ts";
import { gate } from "./support.ts";

describe("Rounds", () => {
  // Once, a member that came after all waiting ones had left was told at once that its work was done.
  test("do the work for a member that joins after all waiting ones have left", async () => {
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

  test("reject for a member that joins after all have left if its own work fails", async () => {
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
