import { MemoryBus } from "../../lib/bus/memory-bus.ts";
import { Node } from "../../lib/bus/node/node.ts";
import type { NodeOptions } from "../../lib/bus/node/node-options.ts";
import { eventually } from "../support/eventually.ts";
import { TestBus } from "./test-bus.ts";

const shortMs = 100;
const longMs = 5_000;

interface TestNode {
  node: Node;
  bus: TestBus;
}

let shared: MemoryBus;
let nodes: Node[];

beforeEach(() => {
  shared = new MemoryBus();
  nodes = [];
});

afterEach(() => Promise.all(nodes.map((node) => node.close())));

function aNode(name = "", options: NodeOptions = {}): TestNode {
  const bus = new TestBus(shared);
  const node = new Node(bus, options);
  node.answer("name", () => name);
  nodes.push(node);
  return { node, bus };
}

async function joined(name: string, options?: NodeOptions): Promise<TestNode> {
  const made = aNode(name, options);
  await made.node.join();
  return made;
}

it.each([0, 0.5, 10_000 / 3, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "10s"])(
  "Node refuses %p as its leaseMs",
  (leaseMs) => {
    expect(() => new Node(new TestBus(shared), { leaseMs: leaseMs as number })).toThrow(/option "leaseMs"/);
  },
);

describe("Node asks", () => {
  it("all nodes, itself too, and has its own answer first", async () => {
    const { node } = await joined("me");
    await Promise.all([joined("b"), joined("c"), joined("d")]);
    const { answers, silentNodes } = await node.ask("name", {}, longMs);
    expect(answers[0]).toBe("me");
    expect([...answers].sort()).toEqual(["b", "c", "d", "me"]);
    expect(silentNodes).toEqual([]);
  });

  it("nobody but itself when it is alone, without waiting", async () => {
    const { node } = await joined("me");
    expect(await node.ask("name", {}, 60_000)).toEqual({ answers: ["me"], silentNodes: [] });
  });

  it("without having joined, and is not asked then", async () => {
    const { node: asker } = aNode("asker");
    const { node: joiner } = await joined("joiner");
    expect((await asker.ask("name", {}, longMs)).answers).toEqual(["asker", "joiner"]);
    expect((await joiner.ask("name", {}, longMs)).answers).toEqual(["joiner"]);
  });

  it("with a payload that every node gets as it was", async () => {
    const payload = {
      sids: ["a:b{c}", "漢字 🦆", "\u0000\n\u2028", ""],
      nothing: null,
      deep: { list: [[], {}, [1.5, -0.25, 1e21, true]] },
      long: "x".repeat(100_000),
    };
    const { node } = await joined("me");
    const { node: other } = await joined("other");
    for (const each of [node, other]) each.answer("echo", (asked) => asked);
    const { answers } = await node.ask("echo", payload, longMs);
    expect(answers).toEqual([payload, payload]);
  });

  it.each([null, 0, false, "", [], 17, "text"])("with %j, and gets it back", async (payload) => {
    const { node } = await joined("me");
    const { node: other } = await joined("other");
    for (const each of [node, other]) each.answer("echo", (asked) => asked);
    expect((await node.ask("echo", payload, longMs)).answers).toEqual([payload, payload]);
  });

  it("many things at once, each with its own answers", async () => {
    const all = [await joined("a"), await joined("b"), await joined("c")];
    for (const [at, { node }] of all.entries()) node.answer("double", (n) => [at, 2 * (n as number)]);
    await Promise.all(
      Array.from({ length: 150 }, async (_, n) => {
        const asker = n % 3;
        const { answers, silentNodes } = await (all[asker] as TestNode).node.ask("double", n, longMs);
        expect(answers[0]).toEqual([asker, 2 * n]);
        const sorted = [...(answers as [number, number][])].sort(([a], [b]) => a - b);
        expect(sorted).toEqual([0, 1, 2].map((at) => [at, 2 * n]));
        expect(silentNodes).toEqual([]);
      }),
    );
  });

  it("nobody's answer where a node does not know the question", async () => {
    const { node } = await joined("me");
    const { node: other } = await joined("other");
    other.answer("count", () => 2);
    await joined("of an older version");
    expect(await node.ask("count", {}, longMs)).toStrictEqual({ answers: [2], silentNodes: [] });
  });

  it("in vain when the bus is down, and says so", async () => {
    const { node, bus } = aNode("me");
    await joined("other");
    for (const call of ["subscribe", "liveNodes", "publish"] as const) {
      bus.broken.add(call);
      await expect(node.ask("name", {}, longMs)).rejects.toThrow(`The line is down: ${call}`);
      bus.broken.delete(call);
    }
    expect((await node.ask("name", {}, longMs)).answers).toEqual(["me", "other"]);
  });
});

describe("Node names as silent", () => {
  it("a node that lives and does not answer in time, and has the answers of the others", async () => {
    const { node } = await joined("me");
    const { node: stopped, bus } = await joined("stopped");
    await joined("other");
    bus.isDeaf = true;
    const askedAt = Date.now();
    const { answers, silentNodes } = await node.ask("name", {}, shortMs);
    expect(Date.now() - askedAt).toBeGreaterThanOrEqual(shortMs - 2);
    expect(answers).toEqual(["me", "other"]);
    expect(silentNodes).toEqual([stopped.id]);
  });

  it("nobody any more once that node hears again", async () => {
    const { node } = await joined("me");
    const { bus } = await joined("stopped");
    bus.isDeaf = true;
    await node.ask("name", {}, shortMs);
    bus.isDeaf = false;
    expect(await node.ask("name", {}, longMs)).toEqual({ answers: ["me", "stopped"], silentNodes: [] });
  });

  it("a node whose answer comes too late, which harms no later question", async () => {
    const { node } = await joined("me");
    const { node: slow, bus } = await joined("slow");
    let asked = 0;
    slow.answer("count", () => ++asked);
    const answer = bus.hold("publish", "request");
    expect(await node.ask("count", {}, shortMs)).toEqual({ answers: [], silentNodes: [slow.id] });
    const next = node.ask("count", {}, longMs);
    answer.release();
    expect(await next).toEqual({ answers: [2], silentNodes: [] });
  });

  it("not a node whose lease has run out: it is not waited for", async () => {
    let now = Date.now();
    shared = new MemoryBus({ now: () => now });
    const { node } = await joined("me");
    await shared.renewLease("dead", shortMs);
    expect((await node.ask("name", {}, 10)).silentNodes).toEqual(["dead"]);
    now += shortMs;
    expect(await shared.liveNodes()).toEqual([node.id]);
    expect(await node.ask("name", {}, 60_000)).toEqual({ answers: ["me"], silentNodes: [] });
  });

  it("not a node that has closed", async () => {
    const { node } = await joined("me");
    const { node: leaving } = await joined("leaving");
    await leaving.close();
    expect(await node.ask("name", {}, 60_000)).toEqual({ answers: ["me"], silentNodes: [] });
  });
});

describe("Node tells", () => {
  it("all others that have joined, once, and not itself", async () => {
    const heard: string[] = [];
    const all = await Promise.all(["a", "b", "c"].map((name) => joined(name)));
    const { node: outside } = aNode("outside");
    for (const [at, { node }] of all.entries()) node.answer("news", (text) => heard.push(`${at} ${text}`));
    outside.answer("news", () => heard.push("outside"));
    await all[0]?.node.tell("news", "first");
    await outside.tell("news", "second");
    await eventually(() =>
      expect(heard.sort()).toEqual(["0 second", "1 first", "1 second", "2 first", "2 second"]),
    );
  });

  it("a type that no node answers, without an error", async () => {
    const { node } = await joined("me");
    await joined("other");
    await node.tell("unheard of", { a: 1 });
    expect((await node.ask("name", {}, longMs)).answers).toEqual(["me", "other"]);
  });

  it("nothing when the bus is down, and says so", async () => {
    const { node, bus } = await joined("me");
    bus.broken.add("publish");
    await expect(node.tell("news", {})).rejects.toThrow("The line is down: publish");
  });
});
