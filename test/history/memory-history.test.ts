import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import { MemoryHistory } from "../../lib/history/memory-history.ts";
import { MemoryQuotas } from "../../lib/memory/memory-quotas.ts";
import { describeHistory } from "../../lib/testing/describe-history.ts";
import {
  appendAll,
  assertEmpty,
  assertNamed,
  many,
  named,
  readAll,
} from "../../lib/testing/history-suite/pages.ts";
import { range } from "../../lib/testing/tools/range.ts";
import { seededRandom } from "../support/random.ts";

describeHistory("MemoryHistory", {
  create: () => {
    const bus = new MemoryBus();
    const node = { bus, history: new MemoryHistory(bus) };
    return { nodes: [node, node] };
  },
  deviations: { loss: "a process that loses its memory begins anew" },
});

const dayMs = 86_400_000;

let now: number;
let quotas: MemoryQuotas;
let history: MemoryHistory;

function make(maxHistoryBytes = Number.POSITIVE_INFINITY): MemoryHistory {
  now = 1_000_000;
  quotas = new MemoryQuotas({ maxHistoryBytes });
  history = new MemoryHistory(new MemoryBus(), { now: () => now }, quotas);
  return history;
}

const used = () => quotas.stats.historyBytes;

async function epochOf(channel: string): Promise<string | undefined> {
  return (await history.positions([channel]))[0]?.epoch;
}

describe("The time of MemoryHistory", () => {
  beforeEach(() => void make());

  it("drops a message that is older than allowed, to the very millisecond", async () => {
    const limits = { maxMessages: 10, maxAgeSeconds: 5 };
    await history.append("a", "m1", limits);
    now += 2_000;
    await history.append("a", "m2", limits);
    now += 3_000;
    assertNamed(await readAll(history, "a", limits), 1, 2);
    now++;
    assertNamed(await readAll(history, "a", limits), 2, 2);
    now += 2_000;
    assertEmpty(await readAll(history, "a", limits));
  });

  it("counts from where a user has entered for exactly as long", async () => {
    await appendAll(history, "a", named(1, 3));
    await history.enter("a", "u", 5);
    now += 5_000;
    assertEmpty(await readAll(history, "a", { reader: "u" }));
    now++;
    assertNamed(await readAll(history, "a", { reader: "u" }), 1, 3);
  });

  it("keeps a position for 30 days after the last use, and then begins a new life", async () => {
    const epoch = await appendAll(history, "a", named(1, 3));
    for (let looks = 0; looks < 4; looks++) {
      now += 30 * dayMs;
      expect(await history.positions(["a"])).toEqual([{ epoch, offset: 3 }]);
    }
    now += 30 * dayMs + 1;
    const [position] = await history.positions(["a"]);
    expect(position?.offset).toBe(0);
    expect(position?.epoch).not.toBe(epoch);
  });

  it("keeps a position at least as long as the messages", async () => {
    const limits = { maxMessages: 10, maxAgeSeconds: (60 * dayMs) / 1000 };
    await appendAll(history, "a", named(1, 3), limits);
    now += 60 * dayMs;
    assertNamed(await readAll(history, "a", limits), 1, 3);
  });

  it("drops the messages of quiet channels while others are used, and their positions after 30 days", async () => {
    const limits = { maxMessages: 10, maxAgeSeconds: 60 };
    for (const n of range(100)) {
      await history.append(`quiet ${n}`, "x".repeat(1_000), limits);
      await history.enter(`quiet ${n}`, "u", 60);
    }
    expect(used()).toBeGreaterThan(100_000);
    now += 61_000;
    for (const _ of range(60)) await history.append("busy", "m", limits);
    expect(used()).toBeLessThan(20_000);
    now += 30 * dayMs;
    await history.append("busy", "m", limits);
    expect(used()).toBe(4 + 100 + 1 + 100);
  });
});

describe("maxHistoryBytes", () => {
  const text = (bytes: number) => "x".repeat(bytes - 100);

  it("counts what is kept, and nothing once it is dropped", async () => {
    make();
    await history.append("é", "éé", many);
    expect(used()).toBe(102 + 104);
    await history.enter("é", "é", 60);
    await history.enter("é", "é", 60);
    expect(used()).toBe(102 + 104 + 102);
    await history.append("é", "abc", { ...many, maxMessages: 1 });
    expect(used()).toBe(102 + 103 + 102);
    await history.forget("é");
    expect(used()).toBe(102 + 102);
  });

  it("drops the oldest messages of the channel that is appended to", async () => {
    make(10_000);
    await appendAll(
      history,
      "b",
      range(3).map(() => text(1_000)),
    );
    await appendAll(
      history,
      "a",
      range(20).map(() => text(1_000)),
    );
    const { messages, position } = await readAll(history, "a");
    expect(position.offset).toBe(20);
    expect(messages.map(({ offset }) => offset)).toEqual([15, 16, 17, 18, 19, 20]);
    expect((await readAll(history, "b")).messages).toHaveLength(3);
    expect(used()).toBeLessThanOrEqual(10_000);
  });

  it("then drops the oldest messages of the channel that was quiet for longest", async () => {
    make(10_000);
    const append = (channel: string) => history.append(channel, text(1_000), many);
    for (const channel of ["a", "b", "a", "b", "a", "b", "c", "a", "b"]) await append(channel);
    // Of the longest quiet channel, "c", and then of "a", from the oldest on.
    await append("d");
    const offsets = async (channel: string) =>
      (await readAll(history, channel)).messages.map(({ offset }) => offset);
    expect(await offsets("c")).toEqual([]);
    expect(await offsets("a")).toEqual([1, 2, 3, 4]);
    await append("e");
    expect(await offsets("a")).toEqual([2, 3, 4]);
    // Looking at a channel does not save its messages.
    await append("f");
    expect(await offsets("a")).toEqual([3, 4]);
    expect(await offsets("b")).toEqual([1, 2, 3, 4]);
  });

  it("keeps nothing of a message that never fits, and drops no others for it", async () => {
    make(5_000);
    await appendAll(history, "b", [text(1_000)]);
    await appendAll(history, "a", [text(1_000)]);
    const heard: string[] = [];
    const bus = new MemoryBus();
    const other = new MemoryHistory(bus, {}, new MemoryQuotas({ maxHistoryBytes: 5_000 }));
    await bus.subscribe("a", (message) => heard.push(message));
    const { epoch } = await other.append("a", text(6_000), many);
    expect(heard).toEqual([`kept ${epoch} 1\n${text(6_000)}`]);
    expect(await history.append("a", text(6_000), many)).toMatchObject({ offset: 2 });
    assertEmpty(await readAll(history, "a"));
    expect((await readAll(history, "b")).messages).toHaveLength(1);
    await history.append("a", "m3", many);
    assertNamed(await readAll(history, "a"), 3, 3);
  });

  it("bounds channels without messages too: those that were unused for longest begin a new life", async () => {
    make(50_000);
    const epochs = new Map<string, string | undefined>();
    for (const n of range(2_000)) {
      epochs.set(`c${n}`, await epochOf(`c${n}`));
      await history.positions(["used"]);
      expect(used()).toBeLessThanOrEqual(50_000);
    }
    expect(await epochOf("c1999")).toBe(epochs.get("c1999"));
    expect(await epochOf("c0")).not.toBe(epochs.get("c0"));
    const kept = await epochOf("used");
    for (const n of range(100)) await history.enter(`e${n}`, "u".repeat(256), 60);
    expect(used()).toBeLessThanOrEqual(50_000);
    expect(await epochOf("used")).toBe(kept);
  });

  it("holds for many messages of many channels", async () => {
    make(3_000_000);
    for (const n of range(50_000)) await history.append(`c${n % 20_000}`, "m", many);
    expect(used()).toBeLessThanOrEqual(3_000_000);
    expect(used()).toBeGreaterThan(2_900_000);
  });

  it("holds, and counts right, whatever is done", async () => {
    for (const seed of range(30)) {
      const random = seededRandom(seed);
      make(4_000);
      for (let steps = 300; steps > 0; steps--) {
        const channel = `c${random.int(12)}`;
        const limits = { maxMessages: 1 + random.int(5), maxAgeSeconds: 1 + random.int(20) };
        now += random.int(2_000);
        const step = random.int(10);
        if (step < 5) await history.append(channel, "x".repeat(random.int(600)), limits);
        else if (step < 7) await history.enter(channel, `u${random.int(9)}`, 1 + random.int(20));
        else if (step < 8) await history.forget(channel);
        else await history.positions([channel]);
        if (used() > 4_000 || used() < 0) throw new Error(`seed ${seed}: ${used()} bytes`);
      }
      for (const n of range(12)) await history.forget(`c${n}`);
      now += 31 * dayMs;
      await history.append("end", "", many);
      expect(used()).toBe(103 + 100);
    }
  });
});
