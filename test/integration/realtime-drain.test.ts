import { eventually } from "../support/eventually.ts";
import { UpgradeRefusedError } from "../support/open-web-socket.ts";
import { seededRandom } from "../support/random.ts";
import { within } from "../support/within.ts";
import type { RealtimeApp } from "./realtime-app.ts";
import type { RealtimeLine } from "./realtime-line.ts";
import { type Pair, type PairOptions, startPair } from "./realtime-pair.ts";
import { slowBackend } from "./slow-backend.ts";

const USERS = Array.from({ length: 30 }, (_, at) => `user ${String(at).padStart(2, "0")}`);
/** Long enough that a process that stands still for a second does not close all at once. */
const DRAIN_MS = 3000;

let pair: Pair;
let lines: RealtimeLine[];
afterEach(() => pair?.close());

/** Thirty users of a group on the first node, and one more on the second. */
async function start(graceMs: number, options: PairOptions = {}): Promise<void> {
  pair = await startPair({ graceMs, ...options });
  const [, staying] = pair.nodes;
  await Promise.all([...USERS, "staying"].map((user) => staying.chat.join(user, "red")));
  await Promise.all([...USERS, "staying"].map((user) => pair.users.device(user)));
  lines = await Promise.all(USERS.map((user) => pair.users.connect(user, 0)));
}

function toldOf(user: string): string[] {
  return pair.presence.filter(({ userId }) => userId === user).map(({ event }) => event);
}

/** The ids of connections of the first node that stand in the users' entries. */
async function registered(): Promise<string[]> {
  const keys = await pair.redis.keys(`${pair.prefix}session-stack:user:*:connections`);
  const ids = await Promise.all(keys.map((key) => pair.redis.zRange(key, 0, -1)));
  return ids.flat().filter((id) => id.startsWith(pair.nodes[0].backend.node.id));
}

test("a closing node tells its clients one after the other to reconnect, and leaves nothing", async () => {
  await start(0);
  const [leaving, staying] = pair.nodes;
  const there = await pair.users.connect("staying", 1);
  const closes: { line: RealtimeLine; afterMs: number }[] = [];
  const began = performance.now();
  for (const line of lines)
    line.ws.once("close", () => closes.push({ line, afterMs: performance.now() - began }));
  const closing = leaving.control.close(DRAIN_MS);

  // Connections that are not yet closed still work.
  await staying.chat.group("red").send("message", { from: "meanwhile" });
  await eventually(() => expect(there.messages).toEqual([{ from: "meanwhile" }]));
  const late = pair.users.connect("staying", 0).catch((error: unknown) => error);
  expect(await late).toBeInstanceOf(UpgradeRefusedError);
  expect(await late).toMatchObject({ statusCode: 503, headers: { "retry-after": "1" } });
  await closing;
  await Promise.all(lines.map(({ inbox }) => inbox.untilClosed()));
  expect(lines.map(({ inbox }) => inbox.closed?.code)).toEqual(USERS.map(() => 1012));
  // No connection closes before its turn, and they do not all close at the end.
  const early = closes.filter(({ afterMs }, at) => afterMs < (DRAIN_MS * at) / USERS.length - 5);
  expect(early).toEqual([]);
  expect((closes.at(-1)?.afterMs as number) - (closes[0]?.afterMs as number)).toBeGreaterThan(DRAIN_MS / 4);
  expect(closes.at(-1)?.line.messages).toEqual([{ from: "meanwhile" }]);

  expect(await registered()).toEqual([]);
  expect(await pair.redis.keys(`${pair.prefix}*${leaving.backend.node.id}*`)).toEqual([]);
  expect(await staying.chat.presence("red")).toEqual(["staying"]);
  await eventually(() =>
    expect(USERS.map((user) => toldOf(user).join())).toEqual(USERS.map(() => "online,offline")),
  );

  // The other node continues, also with messages from the closed node.
  const back = await pair.users.connect(USERS[0] as string, 1);
  for (const { chat } of pair.nodes) await chat.group("red").send("message", { from: "afterwards" });
  await eventually(() => expect(back.messages).toEqual([{ from: "afterwards" }, { from: "afterwards" }]));
  await eventually(() => expect(there.messages.at(-1)).toEqual({ from: "afterwards" }));
  expect(toldOf("staying")).toEqual(["online"]);
});

/** Resolves when a node has received all messages of these clients. */
async function untilHeard(by: RealtimeApp, from: readonly RealtimeApp[]): Promise<void> {
  const heard = from.map(
    ({ backend }, at) =>
      new Promise<void>((resolve, reject) => {
        const published = by.backend.bus.subscribe(`probe ${at}`, () => resolve());
        published.then(() => backend.bus.publish(`probe ${at}`, "")).catch(reject);
      }),
  );
  await within(Promise.all(heard), 5_000, "probe of each node");
}

test.each([0, 50])("messages from before the close arrive before it (drainMs %i)", async (drainMs) => {
  await start(0);
  const [leaving, staying] = pair.nodes;
  await staying.chat.group("red").send("message", { from: "there" });
  await leaving.chat.group("red").send("message", { from: "here" });
  // The send alone does not show that it arrived. From here on everything happens in this process.
  await untilHeard(leaving, pair.nodes);
  for (const connection of leaving.connections.values()) connection.send("message", { from: "direct" });
  await leaving.control.close(drainMs);
  await Promise.all(lines.map(({ inbox }) => inbox.untilClosed()));
  for (const { messages } of lines) {
    expect(messages.map(({ from }) => from).sort()).toEqual(["direct", "here", "there"]);
  }
});

test("close resolves after the close of each connection is stored, even if that is slow", async () => {
  await start(0, { adapt: (backend) => slowBackend(backend, seededRandom(1)) });
  const [leaving, staying] = pair.nodes;
  await leaving.control.close(0);
  expect(await registered()).toEqual([]);
  expect(await pair.redis.keys(`${pair.prefix}session-stack:node:${leaving.backend.node.id}*`)).toEqual([]);
  expect(await staying.chat.presence("red")).toEqual([]);
});

test("a user who comes back on another node within the grace stays online", async () => {
  await start(6000, { leaseMs: 4000 });
  const [leaving, staying] = pair.nodes;
  const returning = lines.map(async ({ inbox }, at) => {
    await inbox.untilClosed();
    if (at > 0) await pair.users.connect(USERS[at] as string, 1);
  });
  await leaving.control.close(200);
  await Promise.all(returning);
  expect(await registered()).toEqual([]);
  // A user who has not come back is online until the grace ends.
  expect((await staying.chat.presence("red")).sort()).toEqual(USERS);
  // The node ends before the grace. The remaining nodes then report the users who have not come back as offline.
  await leaving.backend.close();
  await eventually(() => expect(toldOf(USERS[0] as string)).toEqual(["online", "offline"]), {
    withinMs: 25_000,
  });
  expect(USERS.slice(1).map((user) => toldOf(user).join())).toEqual(USERS.slice(1).map(() => "online"));
  await eventually(async () => {
    expect(await pair.redis.keys(`${pair.prefix}*${leaving.backend.node.id}*`)).toEqual([]);
  });
});
