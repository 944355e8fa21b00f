import { eventually } from "../support/eventually.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import type { Message, RealtimeLine } from "./realtime-line.ts";
import { openLine } from "./realtime-line.ts";
import { type RealtimeNode, startRealtimeNode } from "./realtime-nodes.ts";
import { Device } from "./users-device.ts";

const GROUPS = ["red", "blue: gr\u00fcn"];
/** The number of messages that each node sends to each group and to the user. */
const ROUNDS = 40;

let nodes: RealtimeNode[] = [];
let prefix: string;

beforeEach(async () => {
  prefix = uniquePrefix("devices");
  nodes = [];
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
});

/** Starts both nodes. They wait for each other as long as their machine may stand still. */
async function startNodes(leaseMs: number): Promise<void> {
  const patience = { timeoutMs: 12_000, ackTimeoutMs: 12_000 };
  const options = { redisUrl: process.env.REDIS_URL as string, prefix, leaseMs, ...patience };
  nodes = await Promise.all([startRealtimeNode(options), startRealtimeNode(options)]);
}

/** Lets both nodes send to both groups and to the user at once. Returns the expected messages by line and sender. */
async function sendFromEverywhere(user: string): Promise<Map<string, number[]>> {
  const expected = new Map<string, number[]>();
  await Promise.all(
    nodes.flatMap(({ control }, node) =>
      [...GROUPS, undefined].map(async (group) => {
        const from = `node ${node} to ${group ?? "the user"}`;
        const numbers = Array.from({ length: ROUNDS }, (_, at) => at);
        expected.set(from, numbers);
        for (const at of numbers) {
          const data = { from, at };
          await (group === undefined ? control.sendToUser(user, data) : control.sendToGroup(group, data));
        }
      }),
    ),
  );
  return expected;
}

/** Asserts that each line has exactly the expected messages, after a last message of each node has arrived. */
async function expectEach(
  user: string,
  lines: readonly RealtimeLine[],
  expected: Map<string, number[]>,
): Promise<void> {
  for (const { control } of nodes) await control.sendToUser(user, { from: "last", at: 0 });
  const lasts = ({ messages }: RealtimeLine) => messages.filter(({ from }) => from === "last").length;
  await eventually(() => expect(lines.map(lasts)).toEqual(lines.map(() => nodes.length)), {
    withinMs: 20_000,
  });
  for (const { messages } of lines) {
    expect(bySender(messages.filter(({ from }) => from !== "last"))).toEqual(expected);
  }
}

function bySender(messages: readonly Message[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const { from = "", at = -1 } of messages) numbers.set(from, [...(numbers.get(from) ?? []), at]);
  return numbers;
}

async function threeDevices(user: string): Promise<Device[]> {
  const devices = [0, 1, 2].map(() => new Device(nodes));
  await Promise.all(devices.map((device, at) => device.logIn(at, user)));
  return devices;
}

test("a user on three devices receives each message once on each device, in order, from any node", async () => {
  await startNodes(15_000);
  const [user, other] = ["ann", "bob"];
  for (const group of GROUPS) await nodes[0]?.control.join(user, group);
  const devices = await threeDevices(user);
  const lines = (await Promise.all(devices.map((device, at) => openLine(device, at)))).map(
    ({ line }) => line,
  );
  const stranger = new Device(nodes);
  await stranger.logIn(0, other);
  const { line: strange } = await openLine(stranger, 1);

  await expectEach(user, lines, await sendFromEverywhere(user));
  expect(strange.messages).toEqual([]);
  for (const { ws } of [...lines, strange]) ws.terminate();
});

test("groups are restored as soon as the devices reconnect after a restart of all nodes", async () => {
  await startNodes(3_000);
  const user = "ann";
  const devices = await threeDevices(user);
  const before = await Promise.all(devices.map((device, at) => openLine(device, at)));
  expect(before.map(({ welcome }) => welcome.groups)).toEqual([[], [], []]);
  await Promise.all(GROUPS.map((group, at) => nodes[at]?.control.join(user, group)));
  await expectEach(
    user,
    before.map(({ line }) => line),
    await sendFromEverywhere(user),
  );

  await Promise.all(nodes.map((node) => node.kill()));
  await Promise.all(before.map(({ line }) => line.inbox.untilClosed()));
  await startNodes(15_000);
  // The same cookies, with each device on the other node.
  const moved = devices.map((device) => device.copyTo(nodes));
  const after = await Promise.all(moved.map((device, at) => openLine(device, at + 1)));
  expect(after.map(({ welcome }) => welcome.groups)).toEqual(after.map(() => [...GROUPS].sort()));
  const lines = after.map(({ line }) => line);
  await expectEach(user, lines, await sendFromEverywhere(user));

  // A leave on one node takes effect on all devices. It must not wait for the dead nodes.
  await eventually(async () =>
    expect(await nodes[1]?.control.activeSessions(user)).toHaveLength(lines.length),
  );
  await nodes[1]?.control.leave(user, GROUPS[0] as string);
  for (const { messages } of lines) messages.length = 0;
  for (const { control } of nodes) await control.sendToGroup(GROUPS[0] as string, { from: "left", at: 0 });
  await expectEach(user, lines, new Map());
  for (const { ws } of lines) ws.terminate();
}, 90_000);
