import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connect, gate, next, open, places, type Served, send, serve, until } from "./support.ts";

describe.each(places)("a connection without a user on $place", ({ open: openPlace }) => {
  let backend: Backend;
  let served: Served;
  let clock: FakeClock;
  /** The channels of groups and users that this node listens to. */
  let channels: Set<string>;

  beforeEach(async () => {
    clock = new FakeClock();
    backend = await openPlace();
    channels = new Set();
    const { bus } = backend;
    const [subscribe, unsubscribe] = [bus.subscribe.bind(bus), bus.unsubscribe.bind(bus)];
    bus.subscribe = (channel, listener) => {
      if (/^(group|user):/.test(channel)) channels.add(channel);
      return subscribe(channel, listener);
    };
    bus.unsubscribe = async (channel, listener) => {
      await unsubscribe(channel, listener);
      channels.delete(channel);
    };
    served = await serve({ backend, realtime: { clock, pingIntervalMs: 0 } });
  });

  const types = async (ws: Awaited<ReturnType<typeof connect>>["ws"]) =>
    (await until(ws, "last")).map(({ event_type }) => event_type);

  test("joins and leaves groups only for itself, and is not a member", async () => {
    const browser = served.browser();
    await browser.post("/set", { json: { cart: 1 } });
    const [first, second] = [await open(served, browser), await open(served, browser)];
    await first.line.join("g");
    await first.line.join("g");
    for (const { line } of [first, second]) await line.join("both");
    await served.chat.group("g").send("news");
    await served.chat.group("both").send("last");
    expect(await types(first.ws)).toEqual(["news"]);
    expect(await types(second.ws)).toEqual([]);
    expect([...first.line.groups]).toEqual(["g", "both"]);
    expect([await served.chat.members("g"), await served.chat.presence("g")]).toEqual([[], []]);
    await first.line.leave("g");
    await second.line.leave("g");
    await served.chat.group("g").send("late");
    await served.chat.group("both").except(second.line).send("last");
    expect(await types(first.ws)).toEqual([]);
  });

  test("receives no messages to users, whatever the user id is", async () => {
    const { ws, line } = await connect(served);
    expect(line.userId).toBeUndefined();
    await line.join("g");
    for (const user of ["undefined", "null", line.id, line.sid]) await served.chat.user(user).send("secret");
    await served.chat.group("g").send("last");
    expect(await types(ws)).toEqual([]);
    expect(await served.chat.activeSessions("undefined")).toEqual([]);
  });

  test("causes no online or offline event", async () => {
    const told: string[] = [];
    served.chat.on("online", (userId) => told.push(`${userId} online`));
    const { ws } = await connect(served);
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    await connect(served, "ada");
    expect(told).toEqual(["ada online"]);
  });

  test("is in its groups only while it is open: its next connection is in none", async () => {
    const browser = served.browser();
    await browser.post("/set", { json: { cart: 1 } });
    const { ws, line } = await open(served, browser);
    await line.join("g");
    expect(channels).toEqual(new Set(["group:g"]));
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    expect([...(await open(served, browser)).line.groups]).toEqual([]);
    await clock.advance(12_000);
    await eventually(() => expect(channels).toEqual(new Set()));
  });

  // Once, it stayed in that group for ever, and the node stayed subscribed for nobody.
  test("is in no group if it closed before the join", async () => {
    const { opened, open: letGo } = gate();
    const left: Promise<void>[] = [];
    served.chat.on("join later", async (connection) => {
      await opened;
      left.push(connection.join("g"));
    });
    const { ws, line } = await connect(served);
    send(ws, "join later");
    send(ws, "session.heartbeat");
    await next(ws);
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    letGo();
    await eventually(() => expect(left).toHaveLength(1));
    await Promise.all(left);
    expect(line.groups.size).toBe(0);
    await clock.advance(12_000);
    await eventually(() => expect(channels).toEqual(new Set()));
  });

  // Once, a connection that closed while its user's groups were read stayed in them too.
  test("with a user is in no group either if it closed before its groups were restored", async () => {
    await served.chat.join("ada", "g");
    const { opened, open: letGo } = gate();
    const { memberships } = backend;
    const groupsOf = memberships.groupsOf.bind(memberships);
    let reads = 0;
    memberships.groupsOf = async (userId) => {
      reads++;
      await opened;
      return groupsOf(userId);
    };
    const browser = served.browser();
    await browser.post("/login", { json: { user: "ada" } });
    const ws = await browser.webSocket("/ws");
    await eventually(() => expect(reads).toBe(1));
    ws.close();
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    letGo();
    await eventually(() => expect(served.closings).toHaveLength(1));
    expect(served.connections[0]?.groups.size).toBe(0);
    await clock.advance(12_000);
    await eventually(() => expect(channels).toEqual(new Set()));
  });

  test("is passed to authorizeGroup without a user id", async () => {
    const asked: unknown[] = [];
    const other = await serve({
      backend: await openPlace(),
      realtime: {
        authorizeGroup: (userId, group) => {
          asked.push([userId, group]);
          return group === "public";
        },
      },
    });
    const { line } = await connect(other);
    await line.join("public");
    await expect(line.join("private")).rejects.toMatchObject({ code: "ERR_GROUP_FORBIDDEN" });
    expect([...line.groups]).toEqual(["public"]);
    expect(asked).toEqual([
      [undefined, "public"],
      [undefined, "private"],
    ]);
  });
});
