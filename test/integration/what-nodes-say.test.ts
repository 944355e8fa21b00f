import type { Backend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { type Served as Chatting, open, serve as serveChat } from "../realtime/support.ts";
import { eventually } from "../support/eventually.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import {
  byOwner,
  closedAfterThisTest,
  places,
  type Served,
  serve,
  sharedRedis,
  sidOf,
  signIn,
} from "../users/support.ts";

/*
 * Once, ids of live sessions were published to all nodes with each login and with each listing of a user's devices.
 * Anybody who could only subscribe to the channels could read them.
 */

/** Returns a list that fills with the published messages, each with its channel. */
function listenTo({ bus }: Backend): [channel: string, message: string][] {
  const said: [string, string][] = [];
  const publish = bus.publish.bind(bus);
  bus.publish = (channel, message) => {
    said.push([channel, message]);
    return publish(channel, message);
  };
  return said;
}

describe.each(places)("on $place, messages between nodes", ({ open: openPlace }) => {
  test("contain no session id, whatever happens to the session", async () => {
    const backend = await openPlace();
    const said = listenTo(backend);
    const ids = new Set<string>();
    const note = (browser: Parameters<typeof sidOf>[0]) => {
      const sid = sidOf(browser);
      if (sid !== "") ids.add(sid);
    };
    const served = await serve({ backend });
    const { users } = served;

    const guest = served.browser();
    await guest.webSocket("/ws");
    await guest.post("/set", { json: { cart: 1 } });
    note(guest);
    await guest.webSocket("/ws");
    await guest.post("/login", { json: { user: "ada" } });
    note(guest);
    await guest.webSocket("/ws");
    await guest.post("/login", { json: { user: "ada" } });
    note(guest);
    await guest.post("/regenerate");
    note(guest);
    await guest.post("/logout");

    const devices = await Promise.all([1, 2, 3, 4].map(() => signIn(served)));
    for (const browser of devices) {
      note(browser);
      await browser.webSocket("/ws");
    }
    expect(await users.listUserSessions("ada")).toHaveLength(4);
    const [first, second] = [...ids].slice(-2);
    expect(await users.deleteUserSession("ada", first as string)).toBe(true);
    await new Promise<void>((resolve) =>
      backend.sessions.expressStore.destroy(second as string, () => resolve()),
    );
    await users.deleteUserSessions("ada");

    expect(ids.size).toBe(8);
    expect(said.length).toBeGreaterThan(6);
    for (const sid of ids) expect(said.filter((each) => each.join(" ").includes(sid))).toEqual([]);
  });

  test("contain no id of a session that gets another user in place", async () => {
    const backend = await openPlace();
    const said = listenTo(backend);
    const chat = await serveChat({ backend, session: { userId: byOwner } });
    const browser = chat.browser();
    await browser.post("/set", { json: { owner: "ada" } });
    const { ws } = await open(chat, browser);
    const closed = new Promise<number>((resolve) => ws.once("close", resolve));
    await browser.post("/set", { json: { owner: "bob" } });
    expect(await closed).toBe(4009);
    expect(said.filter((each) => each.join(" ").includes(sidOf(browser)))).toEqual([]);
    expect(said.join(" ")).toContain("bob");
  });
});

describe("listing a user's devices on several nodes", () => {
  let prefix: string;

  beforeEach(() => {
    prefix = uniquePrefix("devices");
  });

  async function aBackend(): Promise<Backend> {
    return closedAfterThisTest(redisBackend({ client: await sharedRedis(), prefix }));
  }

  async function aNode(): Promise<Chatting & { backend: Backend; said: [string, string][] }> {
    const backend = await aBackend();
    const said = listenTo(backend);
    const served = await serveChat({ backend });
    await backend.node.join();
    return { ...served, backend, said };
  }

  /** A node without realtime, so its connections are not registered. */
  async function aPlainNode(): Promise<Served & { backend: Backend }> {
    const backend = await aBackend();
    const served = { ...(await serve({ backend })), backend };
    await backend.node.join();
    return served;
  }

  /** Connects a visitor of one node to another node. */
  async function connectTo(
    there: { url: string; browser(): ReturnType<Served["browser"]> },
    cookies: Map<string, string>,
  ) {
    const browser = there.browser();
    for (const [name, value] of cookies) browser.cookies.set(name, value);
    return browser.webSocket("/ws");
  }

  test("asks only the nodes that have connections of the user", async () => {
    const [here, there, elsewhere] = [await aNode(), await aNode(), await aNode()];
    const browser = await signIn(here as unknown as Served);
    await signIn(here as unknown as Served, "bob").then(({ cookies }) => connectTo(elsewhere, cookies));
    here.said.length = 0;
    expect(await here.users.listUserSessions("ada")).toMatchObject([{ connections: 0 }]);
    expect(here.said).toEqual([]);

    await connectTo(here, browser.cookies);
    expect(await here.users.listUserSessions("ada")).toMatchObject([{ connections: 1 }]);
    expect(here.said).toEqual([]);

    for (const _ of [1, 2]) await connectTo(there, browser.cookies);
    expect(await here.users.listUserSessions("ada")).toMatchObject([{ connections: 3 }]);
    expect(here.said.map(([channel]) => channel)).toEqual([`node:${there.backend.node.id}`]);

    here.said.length = 0;
    expect(await here.chat.activeSessions("ada")).toHaveLength(3);
    expect(here.said).toEqual([]);

    const sid = sidOf(browser);
    await here.users.listUserSessions("ada");
    expect(await here.users.deleteUserSessions("ada")).toMatchObject({ connectionsClosed: 3 });
    expect(here.said.map(([channel]) => channel)).toContain("nodes");
    expect(here.said.filter((each) => each.join(" ").includes(sid))).toEqual([]);
  });

  test("does not wait for a silent node without connections of the user", async () => {
    const [here, there, silent] = [await aNode(), await aNode(), await aNode()];
    silent.backend.node.answer("count_connections", () => new Promise(() => {}));
    const browser = await signIn(here as unknown as Served);
    await connectTo(there, browser.cookies);
    const before = performance.now();
    expect(await here.users.listUserSessions("ada")).toMatchObject([{ connections: 1 }]);
    expect(performance.now() - before).toBeLessThan(900);
  });

  test("also asks nodes with unregistered connections, until these connections close", async () => {
    const [here, plain, other] = [await aNode(), await aPlainNode(), await aNode()];
    const browser = await signIn(here as unknown as Served);
    await connectTo(plain, browser.cookies);
    await connectTo(other, browser.cookies);
    here.said.length = 0;
    expect(await here.users.listUserSessions("ada")).toMatchObject([{ connections: 2 }]);
    expect(here.said.map(([channel]) => channel).sort()).toEqual(
      [plain, other].map(({ backend }) => `node:${backend.node.id}`).sort(),
    );
    expect(await plain.users.listUserSessions("ada")).toMatchObject([{ connections: 2 }]);

    await plain.backend.close();
    here.said.length = 0;
    expect(await here.users.listUserSessions("ada")).toMatchObject([{ connections: 1 }]);
    expect(here.said.map(([channel]) => channel)).toEqual([`node:${other.backend.node.id}`]);
    expect(
      (await here.backend.bus.liveNodes()).some((lease) => lease.startsWith(plain.backend.node.id)),
    ).toBe(false);
  });

  test("also asks a plain WebSocketSessions that is created after its node has joined", async () => {
    const here = await aNode();
    const backend = await aBackend();
    await backend.node.join();
    const late = await serve({ backend });
    await eventually(async () => expect(await backend.node.unlisted.all()).toEqual([backend.node.id]));
    const browser = await signIn(late);
    await connectTo(late, browser.cookies);
    expect(await here.users.listUserSessions("ada")).toMatchObject([{ connections: 1 }]);
  });
});
