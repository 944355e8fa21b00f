import { createClient } from "redis";
import { eventually } from "../support/eventually.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import type { Message, RealtimeLine } from "./realtime-line.ts";
import { type Pair, type PairOptions, startPair } from "./realtime-pair.ts";

const GROUPS = ["red", "green", "blue", "a group with a {tag}"];
const ROUNDS = 50;

let cluster: RedisCluster;
let pair: Pair;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterEach(() => pair?.close());

afterAll(() => cluster?.stop());

function toldOf(user: string): string[] {
  return pair.presence.filter(({ userId }) => userId === user).map(({ event }) => event);
}

/** The received messages by sender, in order of arrival. */
function bySender(messages: readonly Message[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const { from = "", at = -1 } of messages) numbers.set(from, [...(numbers.get(from) ?? []), at]);
  return numbers;
}

const clients: [string, PairOptions["connect"]][] = [
  ["a Redis cluster", () => cluster.connect()],
  ["clients that speak RESP2, which is not the default", connectResp2],
];

async function connectResp2() {
  const client = createClient({ url: process.env.REDIS_URL as string, RESP: 2 });
  client.on("error", () => {});
  await client.connect();
  return client;
}

describe.each(clients)("two nodes with %s", (_, connect) => {
  async function start(graceMs: number): Promise<void> {
    pair = await startPair({ graceMs, ...(connect ? { connect } : {}) });
  }

  test("deliver each message once on each device, in the order in which a node sends to a group or user", async () => {
    await start(0);
    await Promise.all(GROUPS.map((group, at) => pair.nodes[at % 2]?.chat.join("ann", group)));
    const lines: RealtimeLine[] = [];
    for (const node of [0, 1, 1]) lines.push(await pair.users.connect("ann", node));
    for (const line of lines) expect((await line.ready).groups).toEqual([...GROUPS].sort());

    const expected = new Map<string, number[]>();
    const sending = pair.nodes.flatMap(({ control }, node) =>
      [...GROUPS, undefined].map(async (group) => {
        const from = `node ${node} to ${group ?? "the user"}`;
        expected.set(
          from,
          Array.from({ length: ROUNDS }, (_, at) => at),
        );
        // The sends do not wait for each other.
        await Promise.all(
          Array.from({ length: ROUNDS }, (_, at) =>
            group === undefined
              ? control.sendToUser("ann", { from, at })
              : control.sendToGroup(group, { from, at }),
          ),
        );
      }),
    );
    await Promise.all(sending);
    const total = ROUNDS * expected.size;
    await eventually(() =>
      expect(lines.map(({ messages }) => messages.length)).toEqual([total, total, total]),
    );
    for (const { messages } of lines) expect(bySender(messages)).toEqual(expected);

    // A join or leave on one node takes effect on all nodes.
    await pair.nodes[1].chat.leave("ann", "red");
    await pair.nodes[0].chat.join("ann", "new");
    for (const { messages } of lines) messages.length = 0;
    for (const { chat } of pair.nodes) {
      for (const group of ["red", "new"]) await chat.group(group).send("message", { from: group });
    }
    const both = [{ from: "new" }, { from: "new" }];
    await eventually(() => expect(lines.map(({ messages }) => messages)).toEqual([both, both, both]));
  });

  test("report each user once as online and offline, and count each user once", async () => {
    await start(0);
    for (const user of ["ann", "bob"]) await pair.nodes[0].chat.join(user, "red");
    await pair.users.connect("bob", 0);
    const expected: string[] = [];
    for (let round = 0; round < 10; round++) {
      const lines = await Promise.all([0, 1, round].map((at) => pair.users.connect("ann", at % 2)));
      expected.push("online");
      expect(toldOf("ann")).toEqual(expected);
      for (const { chat } of pair.nodes) {
        expect((await chat.presence("red")).sort()).toEqual(["ann", "bob"]);
        expect(await chat.activeSessions("ann")).toHaveLength(3);
      }
      await Promise.all(lines.map((line) => line.close()));
      expected.push("offline");
      await eventually(() => expect(toldOf("ann")).toEqual(expected));
      expect(await pair.nodes[round % 2]?.chat.presence("red")).toEqual(["bob"]);
    }
    expect(toldOf("bob")).toEqual(["online"]);
  });

  test("keep a user online who comes back within the grace", async () => {
    await start(4000);
    for (const node of [0, 1, 0]) {
      const line = await pair.users.connect("ann", node);
      await line.close();
    }
    await pair.users.connect("ann", 1);
    await (await pair.users.connect("bob", 0)).close();
    await eventually(() => expect(toldOf("bob")).toEqual(["online", "offline"]), { withinMs: 20_000 });
    expect(toldOf("ann")).toEqual(["online"]);
  }, 40_000);
});
