import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connect, places, type Served, serve, signIn, until } from "./support.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Long enough for slow machines. These tests are about how many calls may wait. */
const timeoutMs = 20_000;

describe.each(places)("many calls of realtime on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;
  let clock: FakeClock;

  beforeEach(async () => {
    backend = await open();
    clock = new FakeClock();
    served = await serve({ backend, session: { timeoutMs }, realtime: { clock, pingIntervalMs: 0 } });
  });

  // Once, they made each request fail with 503.
  test("10,001 sends at the same time do not disturb requests, handshakes, joins and ticks", async () => {
    const browser = await signIn(served);
    const publish = backend.bus.publish.bind(backend.bus);
    const held: (() => void)[] = [];
    backend.bus.publish = async (channel, message) => {
      if (channel.startsWith("user:")) await new Promise<void>((resolve) => void held.push(resolve));
      await publish(channel, message);
    };
    const sending = Promise.allSettled(numbers(10_001).map((n) => served.chat.user(n).send("news")));
    expect((await browser.get("/me")).status).toBe(200);
    const { line } = await connect(served, "bob");
    await line.join("g");
    await line.store.set("k", "v");
    expect(held).toHaveLength(10_000);
    for (const letGo of held) letGo();
    const results = await sending;
    expect(results.filter(({ status }) => status === "rejected")).toMatchObject([
      { reason: { code: "ERR_STORE_UNAVAILABLE" } },
    ]);
  });

  test("10,001 calls for connection data without an answer do not disturb requests and sends", async () => {
    const browser = await signIn(served);
    const { ws } = await connect(served, "ada");
    const { memberships } = backend;
    const groupsOf = memberships.groupsOf.bind(memberships);
    const held: (() => void)[] = [];
    memberships.groupsOf = () => new Promise((resolve) => void held.push(() => resolve([])));
    const asking = Promise.allSettled(numbers(10_001).map((n) => served.chat.groupsOf(n)));
    expect((await browser.get("/me")).status).toBe(200);
    await served.chat.user("ada").send("news");
    expect(await until(ws, "news")).toEqual([]);
    memberships.groupsOf = groupsOf;
    for (const letGo of held) letGo();
    await asking;
  });

  test("a send to 20,000 users is one call, and each user receives it once", async () => {
    const { ws } = await connect(served, "ada");
    const { ws: other } = await connect(served, 7);
    let published = 0;
    const publish = backend.bus.publish.bind(backend.bus);
    backend.bus.publish = async (channel, message) => {
      published++;
      await publish(channel, message);
    };
    await served.chat.users(["ada", { id: "ada" }, ...numbers(20_000), "7"]).send("news", { n: 1 });
    expect(published).toBe(20_001);
    await served.chat.users(new Set(["ada", 7])).send("last");
    expect(await until(ws, "last")).toEqual([{ event_type: "news", data: { n: 1 } }]);
    expect(await until(other, "last")).toEqual([{ event_type: "news", data: { n: 1 } }]);
  });

  test("a send to several users of whom one cannot be reached reaches the others, and rejects", async () => {
    const { ws } = await connect(served, "ada");
    const publish = backend.bus.publish.bind(backend.bus);
    backend.bus.publish = async (channel, message) => {
      if (channel === "user:bob") throw new Error("no such shard");
      await publish(channel, message);
    };
    await expect(served.chat.users(["bob", "ada"]).send("news")).rejects.toMatchObject({
      code: "ERR_STORE_UNAVAILABLE",
    });
    await served.chat.user("ada").send("last");
    expect(await until(ws, "last")).toHaveLength(1);
  });

  test("thousands of groups that are left in one tick are all unsubscribed", async () => {
    const unsubscribed = new Set<string>();
    const unsubscribe = backend.bus.unsubscribe.bind(backend.bus);
    backend.bus.unsubscribe = async (channel, listener) => {
      unsubscribed.add(channel);
      await unsubscribe(channel, listener);
    };
    const groups = numbers(11_000).map((n) => `g${n}`);
    await Promise.all(groups.map((group) => backend.memberships.join("ada", group, 20_000)));
    const { ws } = await connect(served, "ada");
    ws.close();
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    await clock.advance(12_000);
    await eventually(() => expect(unsubscribed.size).toBe(11_001), { withinMs: 30_000 });
  }, 60_000);
});

test("users() with a single id is a TypeError that names the fix", async () => {
  const served = await serve();
  expect(() => served.chat.users("ada" as never)).toThrow("users takes a list of users");
});
