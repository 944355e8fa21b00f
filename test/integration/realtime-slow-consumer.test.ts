import { eventually } from "../support/eventually.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import type { RealtimeLine } from "./realtime-line.ts";
import { type RealtimeNode, startRealtimeNode, Users } from "./realtime-nodes.ts";

const CONNECTIONS = 300;
const USERS = 50;
const MAX_BUFFERED_BYTES = 256 * 1024;
/** The bytes that are sent to the connection that does not read, far more than the system's buffers hold. */
const FLOOD_MESSAGES = 1600;
const FLOOD_BYTES = 64 * 1024;
/** The allowed growth of a process that has sent all this to all connections. */
const GROWTH_BYTES = 60 * 1024 * 1024;

let nodes: [RealtimeNode, RealtimeNode];
let users: Users;

beforeEach(async () => {
  const options = {
    redisUrl: process.env.REDIS_URL as string,
    prefix: uniquePrefix("slow"),
    maxBufferedBytes: MAX_BUFFERED_BYTES,
    leaseMs: 15_000,
    timeoutMs: 20_000,
    graceMs: 0,
  };
  nodes = await Promise.all([startRealtimeNode(options), startRealtimeNode(options)]);
  users = new Users(nodes);
});

afterEach(async () => {
  await Promise.all((nodes ?? []).map((node) => node.kill()));
  await users?.close();
});

test(`of ${CONNECTIONS} connections, one that never reads is closed with 4013, and all others receive everything`, async () => {
  const [holder, sender] = nodes;
  const names = [...Array.from({ length: USERS }, (_, at) => `user ${at}`), "slow"];
  await Promise.all(names.map((user) => sender.control.join(user, "red")));
  const slow = await users.connect("slow", 0);
  const others: RealtimeLine[] = [];
  for (let from = 0; from < CONNECTIONS - 1; from += USERS) {
    const some = names.slice(0, Math.min(USERS, CONNECTIONS - 1 - from));
    others.push(...(await Promise.all(some.map((user) => users.connect(user, 0)))));
  }
  expect(await holder.control.connectionIds()).toHaveLength(CONNECTIONS);
  slow.ws.pause();
  const before = await holder.control.memoryBytes();

  // The group receives messages of both nodes all the time.
  const text = "x".repeat(FLOOD_BYTES);
  const sent: string[] = [];
  let peak = before;
  for (let at = 0; at < FLOOD_MESSAGES; at++) {
    await sender.control.sendToUser("slow", { text });
    if (at % 20 > 0) continue;
    const from = `message ${at}`;
    sent.push(from);
    await nodes[(at / 20) % 2]?.control.sendToGroup("red", { from });
    peak = Math.max(peak, await holder.control.memoryBytes());
  }
  expect(FLOOD_MESSAGES * FLOOD_BYTES).toBeGreaterThan(GROWTH_BYTES);
  expect(peak - before).toBeLessThan(GROWTH_BYTES);

  await eventually(
    () => {
      for (const { messages } of others) expect(messages.map(({ from }) => from)).toEqual(sent);
    },
    { withinMs: 20_000 },
  );
  const told = await holder.control.told();
  expect(told.filter(({ event }) => event === "disconnect" || event === "error")).toEqual([
    { event: "disconnect", userId: "slow", id: (await slow.ready).id, code: 4013 },
  ]);
  await eventually(async () => {
    expect(await sender.control.activeSessions("slow")).toEqual([]);
    expect((await sender.control.presence("red")).sort()).toEqual(names.slice(0, -1).sort());
  });
}, 180_000);
