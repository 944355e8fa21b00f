import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { Lane } from "../../lib/calls/lane.ts";
import { timeoutMs } from "../support/patience.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const late = { code: "ERR_STORE_UNAVAILABLE", message: expect.stringContaining("50 ms") };

describe("A lane", () => {
  test("does the same work for each item, at most a hundred at a time, whoever asked for it", async () => {
    const lane = new Lane(timeoutMs);
    let [running, most] = [0, 0];
    const done = new Set<string>();
    const work = (by: string) =>
      lane.each(numbers(500), async (n) => {
        most = Math.max(most, ++running);
        await nextTurn();
        running--;
        done.add(`${by} ${n}`);
      });
    await Promise.all([work("a"), work("b"), work("c")]);
    expect(done.size).toBe(1_500);
    expect(most).toBe(100);
  });

  test("takes turns, so that a small work need not wait until a large one is done", async () => {
    const lane = new Lane(timeoutMs);
    let done = 0;
    const much = lane.each(numbers(10_000), async () => {
      await nextTurn();
      done++;
    });
    await lane.each(numbers(10), () => nextTurn());
    expect(done).toBeLessThan(1_000);
    await much;
    expect(done).toBe(10_000);
  });

  test("lets other work run, even if all calls are answered at once", async () => {
    const lane = new Lane(timeoutMs);
    let isDone = false;
    const work = lane
      .each(numbers(10_000), async () => {})
      .then(() => {
        isDone = true;
      });
    await nextTurn();
    await nextTurn();
    expect(isDone).toBe(false);
    await work;
  });

  test("tries each item, and then throws the first failure", async () => {
    const lane = new Lane(timeoutMs);
    const tried: number[] = [];
    const work = lane.each(numbers(300), async (n) => {
      tried.push(n);
      if (n % 100 === 7) throw new Error(`no ${n}`);
    });
    await expect(work).rejects.toThrow("no 7");
    expect(tried).toHaveLength(300);
  });

  test("begins no more items of a work that has failed for as long as it may take", async () => {
    const lane = new Lane(50);
    let tried = 0;
    const work = lane.each(numbers(1_000), async () => {
      tried++;
      await delay(60);
      throw new Error("no");
    });
    await expect(work).rejects.toThrow("no");
    expect(tried).toBe(100);
  });

  test("goes on for longer with a work that does not fail", async () => {
    const lane = new Lane(50);
    let done = 0;
    await lane.each(numbers(300), async () => {
      await delay(60);
      done++;
    });
    expect(done).toBe(300);
  });

  test("refuses a work whose turn does not come in time, and is free again afterwards", async () => {
    const lane = new Lane(50);
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const before = lane.each(numbers(100), () => answered);
    await expect(lane.each([1], async () => {})).rejects.toMatchObject(late);
    answer();
    await before;
    let done = 0;
    await lane.each([1, 2], async () => done++);
    expect(done).toBe(2);
  });

  test("refuses at once a work that would wait behind 10,000 others", async () => {
    const lane = new Lane(timeoutMs);
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const before = lane.each(numbers(100), () => answered);
    const waiting = numbers(10_000).map(() => lane.each([1], () => answered));
    await expect(lane.each([1], () => answered)).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    answer();
    await Promise.all([before, ...waiting]);
  });

  test("has nothing to do for an empty list", async () => {
    await new Lane(timeoutMs).each([], () => Promise.reject(new Error("unreachable")));
  });
});
