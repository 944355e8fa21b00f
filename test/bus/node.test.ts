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

describe("a question of a Node", () => {
  it("reaches all nodes, the asking one too, whose answer comes first", async () => {
    const { node } = await joined("me");
    await Promise.all([joined("b"), joined("c"), joined("d")]);
    const { answers, silentNodes } = await node.ask("name", {}, longMs);
    expect(answers[0]).toBe("me");
    expect([...answers].sort()).toEqual(["b", "c", "d", "me"]);
    expect(silentNodes).toEqual([]);
  });

  it("is answered without waiting by a node that is alone", async () => {
    const { node } = await joined("me");
    expect(await node.ask("name", {}, 60_000)).toEqual({ answers: ["me"], silentNodes: [] });
  });

  it("can be asked by a node that has not joined, which others do not ask", async () => {
    const { node: asker } = aNode("asker");
    const { node: joiner } = await joined("joiner");
    expect((await asker.ask("name", {}, longMs)).answers).toEqual(["asker", "joiner"]);
    expect((await joiner.ask("name", {}, longMs)).answers).toEqual(["joiner"]);
  });

  it("carries its payload unchanged to every node", async () => {
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

  it.each([null, 0, false, "", [], 17, "text"])("carries %j and gets it back", async (payload) => {
    const { node } = await joined("me");
    const { node: other } = await joined("other");
    for (const each of [node, other]) each.answer("echo", (asked) => asked);
    expect((await node.ask("echo", payload, longMs)).answers).toEqual([payload, payload]);
  });

  it("gets its own answers, also with many questions at the same time", async () => {
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

  it("has no answer of a node that does not know it", async () => {
    const { node } = await joined("me");
    const { node: other } = await joined("other");
    other.answer("count", () => 2);
    await joined("of an older version");
    expect(await node.ask("count", {}, longMs)).toStrictEqual({ answers: [2], silentNodes: [] });
  });

  it("rejects while the bus is down", async () => {
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

describe("the silent nodes of a question", () => {
  it("include a live node that does not answer in time, beside the answers of the others", async () => {
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

  it("do not include a node that receives messages again", async () => {
    const { node } = await joined("me");
    const { bus } = await joined("stopped");
    bus.isDeaf = true;
    await node.ask("name", {}, shortMs);
    bus.isDeaf = false;
    expect(await node.ask("name", {}, longMs)).toEqual({ answers: ["me", "stopped"], silentNodes: [] });
  });

  it("include a node whose answer comes too late, which does not affect a later question", async () => {
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

  it("do not include a node whose lease has run out, which delays no question", async () => {
    let now = Date.now();
    shared = new MemoryBus({ now: () => now });
    const { node } = await joined("me");
    await shared.renewLease("dead", shortMs);
    expect((await node.ask("name", {}, 10)).silentNodes).toEqual(["dead"]);
    now += shortMs;
    expect(await shared.liveNodes()).toEqual([node.id]);
    expect(await node.ask("name", {}, 60_000)).toEqual({ answers: ["me"], silentNodes: [] });
  });

  it("do not include a node that has closed", async () => {
    const { node } = await joined("me");
    const { node: leaving } = await joined("leaving");
    await leaving.close();
    expect(await node.ask("name", {}, 60_000)).toEqual({ answers: ["me"], silentNodes: [] });
  });
});

describe("a message of a Node", () => {
  it("reaches all other joined nodes once, and not the sender", async () => {
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

  it("of a type that no node handles is no error", async () => {
    const { node } = await joined("me");
    await joined("other");
    await node.tell("unheard of", { a: 1 });
    expect((await node.ask("name", {}, longMs)).answers).toEqual(["me", "other"]);
  });

  it("rejects while the bus is down", async () => {
    const { node, bus } = await joined("me");
    bus.broken.add("publish");
    await expect(node.tell("news", {})).rejects.toThrow("The line is down: publish");
  });
});
