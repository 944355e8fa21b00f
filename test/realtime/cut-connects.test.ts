import { once } from "node:events";
import type { Backend } from "../../lib/index.ts";
import { Rounds } from "../../lib/realtime/delivery/rounds.ts";
import type { Browser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawSocket, resetSocket } from "../support/raw-socket.ts";
import { cookieOf, handshake } from "../websocket/raw-handshake.ts";
import { ask, open as openLine, places, type Served, serve, signIn, until } from "./support.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe.each(places)("a user in thousands of groups who comes and goes on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;
  let browser: Browser;
  let clock: FakeClock;
  let asked: string[];
  let reads: number;
  let subscribed: string[];
  let unsubscribed: string[];
  let answer: (group: string) => boolean | Promise<boolean>;

  beforeEach(async () => {
    backend = await open();
    clock = new FakeClock();
    [asked, subscribed, unsubscribed, reads] = [[], [], [], 0];
    answer = () => true;
    const { bus, memberships } = backend;
    const [subscribe, unsubscribe] = [bus.subscribe.bind(bus), bus.unsubscribe.bind(bus)];
    bus.subscribe = (...call) => {
      subscribed.push(call[0]);
      return subscribe(...call);
    };
    bus.unsubscribe = (...call) => {
      unsubscribed.push(call[0]);
      return unsubscribe(...call);
    };
    const groupsOf = memberships.groupsOf.bind(memberships);
    memberships.groupsOf = (userId) => {
      reads++;
      return groupsOf(userId);
    };
    served = await serve({
      backend,
      realtime: {
        clock,
        pingIntervalMs: 0,
        authorizeGroup: (_, group) => {
          asked.push(group);
          return answer(group);
        },
      },
    });
    browser = await signIn(served);
  });

  async function beIn(groups: number): Promise<void> {
    const names = numbers(groups).map((n) => `g${n}`);
    await Promise.all(names.map((name) => backend.memberships.join("ada", name, 10_000)));
  }

  const groupsOf = (channels: string[]) => channels.filter((name) => name.startsWith("group:"));

  async function cutConnect(): Promise<void> {
    const socket = await rawSocket(served.port);
    socket.write(handshake("/ws", cookieOf(browser)));
    expect(String((await once(socket, "data"))[0])).toContain(" 101 ");
    await resetSocket(socket);
  }

  // Once, each connection had the app asked about all groups, and all groups subscribed.
  test("and cuts each connection at once costs a few calls of authorizeGroup and almost no subscriptions", async () => {
    await beIn(5_000);
    for (let n = 0; n < 10; n++) await cutConnect();
    await eventually(() => expect(served.closings).toHaveLength(10));
    const known = [asked.length, subscribed.length];
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([asked.length, subscribed.length]).toEqual(known);
    expect(asked.length).toBeLessThan(10_000);
    expect(groupsOf(subscribed).length).toBeLessThan(1_500);
  });

  test("and closes while authorizeGroup runs causes no further call of it", async () => {
    await beIn(200);
    const answers: (() => void)[] = [];
    answer = () => new Promise((resolve) => void answers.push(() => resolve(true)));
    const ws = await browser.webSocket("/ws");
    await eventually(() => expect(answers).toHaveLength(50));
    ws.terminate();
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    for (const each of answers) each();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toHaveLength(50);
    expect(groupsOf(subscribed)).toEqual([]);
    // The closed connection does not delay the next one.
    answer = () => true;
    const { line } = await openLine(served, browser);
    expect(line.groups.size).toBe(200);
  });

  test("and opens many connections at once has the groups read a few times, not once for each", async () => {
    await beIn(300);
    answer = async (group) => {
      await new Promise((resolve) => setImmediate(resolve));
      return group !== "g7";
    };
    const all = await Promise.all(numbers(40).map(() => browser.webSocket("/ws")));
    await Promise.all(all.map((ws) => ask(ws, "echo")));
    expect(served.connections).toHaveLength(40);
    for (const { groups } of served.connections)
      expect([groups.size, groups.has("g7")]).toEqual([299, false]);
    expect(reads).toBeLessThan(10);
    expect(asked.length).toBeLessThan(10 * 300);
    await served.chat.group("g1").send("news");
    await served.chat.user("ada").send("last");
    for (const ws of all) expect(await until(ws, "last")).toHaveLength(1);
  });

  test("whose right ends while authorizeGroup runs for one connection is checked again for the next", async () => {
    await beIn(1);
    let letGo: () => void = () => {};
    answer = () =>
      new Promise((resolve) => {
        letGo = () => resolve(true);
      });
    const first = await browser.webSocket("/ws");
    await eventually(() => expect(asked).toHaveLength(1));
    // The answer is the state before the next connection came.
    answer = () => false;
    const second = await browser.webSocket("/ws");
    letGo();
    await ask(first, "echo");
    await ask(second, "echo");
    expect(served.connections.map(({ groups }) => groups.size)).toEqual([1, 0]);
  });

  test("and stays one second each time is subscribed once", async () => {
    await beIn(300);
    for (let n = 0; n < 8; n++) {
      const { ws } = await openLine(served, browser);
      await clock.advance(1_000);
      ws.terminate();
      await eventually(() => expect(served.closings).toHaveLength(n + 1));
      await clock.advance(4_000);
    }
    expect(groupsOf(subscribed)).toHaveLength(300);
    expect(groupsOf(unsubscribed)).toEqual([]);
    await clock.advance(12_000);
    await eventually(() => expect(groupsOf(unsubscribed)).toHaveLength(300));
  });

  test("and leaves a group while other groups are still entered does not enter it", async () => {
    await beIn(250);
    const { bus } = backend;
    const subscribe = bus.subscribe.bind(bus);
    let letGo: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    bus.subscribe = async (...call) => {
      if (call[0].startsWith("group:")) await held;
      await subscribe(...call);
    };
    const ws = await browser.webSocket("/ws");
    await eventually(() => expect(asked).toHaveLength(250));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await served.chat.leave("ada", "g249");
    letGo();
    await ask(ws, "echo");
    expect(served.connections[0]?.groups.has("g249")).toBe(false);
    await served.chat.group("g249").send("secret");
    await served.chat.group("g248").send("last");
    expect(await until(ws, "last")).toEqual([]);
  });
});

test("a member that joins during a round is in the next round, and a failed round rejects", async () => {
  const began: string[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const rounds = new Rounds<string>(({ members }) => {
    began.push([...members]);
    return new Promise((resolve, reject) => {
      ends.push((error) => (error ? reject(error) : resolve()));
    });
  });
  const a = rounds.join("ada", "a");
  const [b, c] = [rounds.join("ada", "b"), rounds.join("ada", "c")];
  const other = rounds.join("bob", "d");
  expect(began).toEqual([["a"], ["d"]]);
  ends[0]?.();
  await a;
  await eventually(() => expect(began.slice(2)).toEqual([["b", "c"]]));
  ends[2]?.(new Error("no answer"));
  await expect(b).rejects.toThrow("no answer");
  await expect(c).rejects.toThrow("no answer");
  rounds.leave("bob", "d");
  await other;
  void rounds.join("bob", "e");
  await eventually(() => expect(began.slice(3)).toEqual([["e"]]));
});
