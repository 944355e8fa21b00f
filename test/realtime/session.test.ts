import type { WebSocket } from "ws";
import type { Connection } from "../../lib/index.ts";
import { closed, messages } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { rawSocket } from "../support/raw-socket.ts";
import { byOwner, me } from "../users/support.ts";
import { cookieOf, frame, handshake } from "../websocket/raw-handshake.ts";
import {
  ask,
  connect,
  data,
  gate,
  open,
  places,
  type Served,
  type ServeOptions,
  send,
  serve,
  sidOf,
  signIn,
  until,
} from "./support.ts";

const ended = { code: 4501, reason: "session_ended" };
const replaced = { code: 4009, reason: "session_replaced" };

describe.each(places)("the session of a connection on $place", ({ open: openPlace }) => {
  const setUp: ServeOptions["setUp"] = (chat) =>
    chat
      .on("get", ({ req }) => ({ ...req.session, cookie: undefined }))
      .on("set", ({ req }, values) => void Object.assign(data(req), values))
      .on("save", async ({ req }) => req.session.save())
      .on("destroy", async ({ req }) => req.session.destroy());
  let served: Served;

  beforeEach(async () => {
    served = await serve({ backend: await openPlace(), setUp, realtime: { graceMs: 0 } });
  });

  test("is req.session in handlers, and is saved when they call save", async () => {
    const browser = await signIn(served, "ada");
    const { ws, line } = await open(served, browser);
    expect([line.sid, line.userId]).toEqual([sidOf(browser), "ada"]);
    expect(await ask(ws, "get")).toMatchObject({ data: { login: { userId: "ada" } } });
    await ask(ws, "set", { visits: 1 });
    expect(await ask(ws, "get")).toMatchObject({ data: { visits: 1 } });
    expect(await me(browser)).not.toHaveProperty("visits");
    await browser.post("/set", { json: { cart: ["tea"] } });
    await ask(ws, "save");
    expect(await me(browser)).toMatchObject({ visits: 1, cart: ["tea"] });
    expect(await ask(ws, "get")).toMatchObject({ data: { visits: 1, cart: ["tea"] } });
  });

  test("closes its connections when it ends: 4501 after a logout, 4009 after a regenerate or a login", async () => {
    for (const [path, json, as] of [
      ["/logout", {}, ended],
      ["/regenerate", {}, replaced],
      ["/login", { user: "ada" }, replaced],
      ["/login", { user: "grace" }, replaced],
    ] as const) {
      const browser = await signIn(served, "ada");
      const tabs = [await open(served, browser), await open(served, browser)];
      const other = await connect(served, "ada");
      await browser.post(path, { json });
      await served.chat.user("ada").send("last");
      for (const { ws } of tabs) expect(await closed(ws)).toEqual(as);
      for (const { ws } of tabs) expect(messages(ws).all.join()).not.toContain("last");
      expect(await until(other.ws, "last")).toEqual([]);
      other.ws.close();
      await eventually(async () => expect(await served.chat.activeSessions("ada")).toEqual([]));
    }
    expect(served.closings.filter(({ closed: { code } }) => code === 4009)).toHaveLength(6);
  });

  test("may be ended by a handler: its connections close, and that is not a failure", async () => {
    const browser = await signIn(served, "ada");
    const [first, second] = [await open(served, browser), await open(served, browser)];
    send(first.ws, "destroy", {}, 1);
    expect(await closed(first.ws)).toEqual(ended);
    expect(await closed(second.ws)).toEqual(ended);
    expect(await me(browser)).not.toHaveProperty("login");
  });

  test("that ends while a handler runs makes its save reject, which is not a failure either", async () => {
    const { opened, open: letGo } = gate();
    const saved: unknown[] = [];
    served.chat.on("save later", async ({ req }) => {
      saved.push("waits");
      await opened;
      saved.pop();
      await req.session.save().catch((error) => {
        saved.push(error.code);
        throw error;
      });
    });
    const { ws, line } = await connect(served, "ada");
    send(ws, "save later");
    await eventually(() => expect(saved).toEqual(["waits"]));
    await line.req.sessionStore.destroy(line.sid);
    expect(await closed(ws)).toEqual(ended);
    letGo();
    await eventually(() => expect(saved).toEqual(["ERR_SESSION_DELETED"]));
    await new Promise(setImmediate);
    expect(served.failures).toEqual([]);
  });

  test("ended by deleteUserSessions delivers and handles nothing after that has resolved", async () => {
    const lines = await Promise.all([1, 2, 3].map(() => signIn(served, "ada")));
    const devices: { ws: WebSocket; line: Connection }[] = [];
    for (const browser of lines) devices.push(await open(served, browser));
    const other = await connect(served, "grace");
    for (const user of ["ada", "grace"]) await served.chat.join(user, "g");
    let isOver = false;
    const send = () => {
      const type = isOver ? "after" : "before";
      for (const { line } of devices) line.send(type);
      return Promise.all([served.chat.group("g").send(type), served.chat.user("ada").send(type)]);
    };
    const sending = (async () => {
      for (let left = 20; left > 0; left -= Number(isOver)) {
        await send();
        await new Promise(setImmediate);
      }
    })();
    await new Promise(setImmediate);
    const receipt = await served.users.deleteUserSessions("ada");
    isOver = true;
    await sending;
    expect(receipt).toEqual({ sessionsDeleted: 3, connectionsClosed: 3, silentNodes: [] });
    for (const { ws } of devices) {
      expect(await closed(ws)).toEqual(ended);
      expect(messages(ws).all.join()).toContain("before");
      expect(messages(ws).all.join()).not.toContain("after");
    }
    await served.chat.group("g").send("last");
    expect(await until(other.ws, "last")).toContainEqual({ event_type: "after", data: {} });
    expect(await served.chat.activeSessions("ada")).toEqual([]);
    expect(await served.chat.presence("g")).toEqual(["grace"]);
  });

  test("whose user a request changes in place closes its own connections with 4009, and no others", async () => {
    served = await serve({ backend: await openPlace(), setUp, session: { userId: byOwner } });
    const browser = served.browser();
    await browser.post("/set", { json: { owner: "ada" } });
    const { ws, line } = await open(served, browser);
    const second = served.browser();
    await second.post("/set", { json: { owner: "ada" } });
    const other = await open(served, second);
    expect(line.userId).toBe("ada");
    await browser.post("/set", { json: { color: "red" } });
    expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
    await browser.post("/set", { json: { owner: "grace" } });
    await served.chat.user("ada").send("last");
    expect(await closed(ws)).toEqual(replaced);
    expect(messages(ws).all.join()).not.toContain("last");
    expect(await until(other.ws, "last")).toEqual([]);
    const again = await open(served, browser);
    expect(again.line.userId).toBe("grace");
    await browser.post("/set", { json: { owner: null } });
    expect(await closed(again.ws)).toEqual(replaced);
    const nobody = await open(served, browser);
    expect(nobody.line.userId).toBeUndefined();
    await browser.post("/set", { json: { owner: "ada" } });
    expect(await closed(nobody.ws)).toEqual(replaced);
  });

  test("whose user changes in place while a connection is registered connects as the new user", async () => {
    const backend = await openPlace();
    const { registry } = backend;
    const arrive = registry.arrive.bind(registry);
    const [begun, letGo] = [gate(), gate()];
    served = await serve({ backend, setUp, session: { userId: byOwner } });
    const browser = served.browser();
    await browser.post("/set", { json: { owner: "ada" } });
    // The first handshake of a node may read the session twice.
    (await open(served, browser)).ws.close();
    registry.arrive = async (...args) => {
      registry.arrive = arrive;
      begun.open();
      await letGo.opened;
      return arrive(...args);
    };
    const opening = open(served, browser);
    await begun.opened;
    await browser.post("/set", { json: { owner: "grace" } });
    letGo.open();
    const { line } = await opening;
    expect([line.userId, data(line.req).owner]).toEqual(["grace", "grace"]);
    expect(await served.chat.activeSessions("grace")).toMatchObject([{ id: line.id }]);
    await eventually(async () => expect(await served.chat.activeSessions("ada")).toEqual([]));
  });

  test("whose user a handler changes in place closes the connection of the handler too", async () => {
    served = await serve({ backend: await openPlace(), setUp, session: { userId: byOwner } });
    const browser = served.browser();
    await browser.post("/set", { json: { owner: "ada" } });
    const { ws } = await open(served, browser);
    await ask(ws, "set", { owner: "grace" });
    send(ws, "save", {}, 1);
    expect(await closed(ws)).toEqual(replaced);
    expect(await me(browser)).toMatchObject({ owner: "grace" });
  });

  test("that has ended has no later message of its client handled", async () => {
    const handled: unknown[] = [];
    served.chat.on("log", (_, { at }) => handled.push(at));
    const browser = await signIn(served, "ada");
    const socket = await rawSocket(served.port);
    socket.write(handshake("/ws", cookieOf(browser)));
    await eventually(() => expect(served.connections).toHaveLength(1));
    socket.write(frame('{"event_type":"log","data":{"at":1}}'));
    await eventually(() => expect(handled).toEqual([1]));
    await served.users.deleteUserSessions("ada");
    for (let at = 2; at < 10; at++) socket.write(frame(`{"event_type":"log","data":{"at":${at}}}`));
    await eventually(() => expect(served.closings).toMatchObject([{ closed: ended }]));
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    expect(handled).toEqual([1]);
    socket.destroy();
  });
});
