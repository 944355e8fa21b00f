import { setImmediate as immediate } from "node:timers/promises";
import { type Backend, memoryBackend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { type RealtimeApp, startRealtimeApp } from "./realtime-app.ts";
import { RealtimeLine } from "./realtime-line.ts";
import { Users } from "./realtime-nodes.ts";

/** Delays the first call of a method, or its answer, until the test lets it continue. */
function holdFirst<T extends object>(target: T, method: keyof T, isHeld: (...args: unknown[]) => boolean) {
  let calls = 0;
  let letGo: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const holding = new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== method) return member.bind(target);
      return async (...args: unknown[]) => {
        const answer = await member.apply(target, args);
        if (isHeld(...args) && calls++ === 0) await held;
        return answer;
      };
    },
  });
  return { holding, letGo, calls: () => calls };
}

let node: RealtimeApp;
let users: Users;

afterEach(async () => {
  await users?.close();
  await node?.close();
  await node?.backend.close();
});

async function start(backend: Backend): Promise<void> {
  node = await startRealtimeApp({ backend });
  users = new Users([node]);
}

test("connect is emitted after all groups are subscribed, also one that was joined while they were read", async () => {
  const memory = memoryBackend();
  const reading = holdFirst(memory.memberships, "groupsOf", () => true);
  const subscribing = holdFirst(memory.bus, "subscribe", (channel) => channel === "group:red");
  await start({ ...memory, memberships: reading.holding, bus: subscribing.holding });

  const line = new RealtimeLine(await (await users.device("ann")).connect(0));
  await eventually(() => expect(reading.calls()).toBe(1));
  const joining = node.chat.join("ann", "red");
  await eventually(() => expect(subscribing.calls()).toBe(1));
  reading.letGo();
  // Its groups are read again. It entered this group meanwhile, which the read does not have.
  await eventually(() => expect(reading.calls()).toBe(2));
  for (let turn = 0; turn < 10; turn++) await immediate();
  expect(node.told.map(({ event }) => event)).toEqual(["online"]);
  subscribing.letGo();
  expect((await line.ready).groups).toEqual(["red"]);
  await joining;
});

test("a connection is not in a group that was left while its groups were read", async () => {
  const memory = memoryBackend();
  const reading = holdFirst(memory.memberships, "groupsOf", () => true);
  await start({ ...memory, memberships: reading.holding });
  await node.chat.join("ann", "red");

  const line = new RealtimeLine(await (await users.device("ann")).connect(0));
  await eventually(() => expect(reading.calls()).toBe(1));
  await node.chat.leave("ann", "red");
  reading.letGo();
  expect((await line.ready).groups).toEqual([]);
});
