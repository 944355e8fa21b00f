import express from "express";
import type { Backend } from "../../lib/index.ts";
import {
  ask,
  data,
  open,
  places,
  redisPlace,
  refused,
  type Served,
  send,
  serve,
  sidOf,
  signIn,
} from "../realtime/support.ts";
import { type Browser, nextMessage } from "../support/browser.ts";
import { me } from "../users/support.ts";

const evil = { polluted: "yes", isAdmin: true, login: { userId: "eve" } };
/** Parsed from JSON, because an object literal cannot have such keys. */
const payloads = [
  `{"__proto__":${JSON.stringify(evil)}}`,
  `{"constructor":{"prototype":${JSON.stringify(evil)}}}`,
  `{"prototype":${JSON.stringify(evil)}}`,
  `{"a":{"__proto__":${JSON.stringify(evil)}}}`,
  `{"a":[{"__proto__":${JSON.stringify(evil)}}]}`,
  `{"\\u005f\\u005fproto__":${JSON.stringify(evil)}}`,
  `{"__defineGetter__":1,"toString":2,"hasOwnProperty":3,"toJSON":4,"valueOf":5,"then":6}`,
];
const pristine = Reflect.ownKeys(Object.prototype);

afterEach(() => {
  expect(Reflect.ownKeys(Object.prototype)).toEqual(pristine);
  for (const value of [{}, [], () => {}, "", 1, express()])
    expect((value as { polluted?: unknown }).polluted).toBeUndefined();
});

describe.each(places)("input of a client, on $place", ({ open: openBackend }) => {
  let backend: Backend;
  let served: Served;
  let browser: Browser;

  beforeEach(async () => {
    backend = await openBackend();
    served = await serve({
      backend,
      setUp: (chat) =>
        chat
          .on("merge", async ({ req }, given) => {
            Object.assign(data(req), { profile: given });
            await req.session.save();
            return { isAdmin: data(req).isAdmin };
          })
          .on("join", async (connection, { group }) => {
            await connection.join(group);
            await connection.store.set(group, { group });
            return { groups: [...connection.groups], kept: await connection.store.get(group) };
          }),
      routes: (app) => {
        app.post("/profile", express.json(), (req, res) => {
          data(req).profile = req.body;
          data(req).count = Math.random();
          res.end();
        });
        app.get("/cookies", (req, res) => {
          res.json({ isAdmin: [req.cookies.isAdmin, req.signedCookies.isAdmin], login: data(req).login });
        });
      },
    });
    browser = await signIn(served);
  });

  test("as a body that an app stores in the session changes no prototype and no user", async () => {
    for (const payload of payloads) {
      const headers = { "content-type": "application/json" };
      const merged = [
        browser.post("/profile", { headers, body: payload }),
        browser.post("/set", { json: {} }),
      ];
      for (const { status } of await Promise.all(merged)) expect(status).toBe(200);
      const { login } = (await me(browser)) as { login: { userId: string } };
      expect(login.userId).toBe("ada");
      const { ws, line } = await open(served, browser);
      expect([line.userId, data(line.req).isAdmin]).toEqual(["ada", undefined]);
      expect(typeof line.req.session.save).toBe("function");
      ws.terminate();
    }
  });

  test("as a message with such a key anywhere is refused, and with other odd keys is plain data", async () => {
    const { ws } = await open(served, browser);
    for (const payload of payloads) {
      ws.send(`{"event_type":"merge","id":"m","data":${payload}}`);
      const answer = JSON.parse(await nextMessage(ws)) as { status: string };
      const isRefused = /__proto__|u005f/.test(payload);
      expect(answer).toMatchObject(isRefused ? refused("bad_message") : { status: "success", data: {} });
      expect(answer).not.toHaveProperty("data.isAdmin");
    }
    ws.send(`{"__proto__":{"event_type":"merge","data":{}},"id":"x"}`);
    expect(JSON.parse(await nextMessage(ws))).toMatchObject(refused("bad_message"));
    expect((await me(browser)).login).toMatchObject({ userId: "ada" });
  });

  test("with names that every object inherits works as names of events, groups and keys", async () => {
    const { ws, line } = await open(served, browser);
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      expect(await ask(ws, name)).toEqual(refused("unknown_event"));
      expect(await ask(ws, "join", { group: name })).toMatchObject({
        status: "success",
        data: { groups: expect.arrayContaining([name]), kept: { group: name } },
      });
      expect(await served.chat.members(name)).toEqual(["ada"]);
      await served.chat.leave("ada", name);
    }
    expect(line.groups.size).toBe(0);
    expect(await served.chat.members("constructor")).toEqual([]);
  });

  test("as cookies changes no prototype, whatever their names and values are", async () => {
    for (const payload of payloads) {
      const value = encodeURIComponent(`j:${payload}`);
      const cookie = `__proto__=${value}; constructor=${value}; a=${value}; connect.sid=${value}`;
      const response = await browser.get("/cookies", { headers: { cookie } });
      expect(response.json()).toEqual({ isAdmin: [null, null] });
      const ws = await browser.webSocket("/ws", { headers: { cookie } });
      send(ws, "echo", {}, 1);
      expect(JSON.parse(await nextMessage(ws))).toMatchObject({ status: "success" });
      expect(served.connections.at(-1)?.userId).toBeUndefined();
      ws.terminate();
    }
  });

  test("with such user ids works like any other user id", async () => {
    for (const user of Object.getOwnPropertyNames(Object.prototype)) {
      const visitor = await signIn(served, user);
      expect((await served.users.listUserSessions(user)).map(({ sid }) => sid)).toEqual([sidOf(visitor)]);
      expect(await served.users.deleteUserSessions(user)).toMatchObject({ sessionsDeleted: 1 });
    }
    expect(await served.users.listUserSessions("ada")).toHaveLength(1);
  });
});

describe("data of another program in Redis", () => {
  test.each([
    `{"cookie":{"path":"/","__proto__":{"polluted":"yes"}},"name":"Ada"}`,
    `{"cookie":{"path":"/","data":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}},"name":"Ada"}`,
    `{"cookie":{"path":"/"},"__proto__":{"login":{"userId":"eve"},"polluted":"yes"},"name":"Ada"}`,
    `{"cookie":{"path":"/"},"constructor":{"prototype":{"polluted":"yes"}},"name":"Ada"}`,
    `{"cookie":{"path":"/"},"req":{"polluted":"yes"},"id":"chosen","save":1,"regenerate":{},"name":"Ada"}`,
    `{"cookie":{"path":"/"},"login":{"__proto__":{"userId":"eve"}},"name":"Ada"}`,
    `{"__proto__":{"cookie":{"path":"/"}},"name":"Ada"}`,
  ])("is plain data in a session: %s", async (json) => {
    const place = await redisPlace();
    const served = await serve({ backend: place.backend });
    const browser = await signIn(served, "ada");
    const sid = sidOf(browser);
    await place.client.set(`${place.prefix}sess:${sid}`, json);
    const before = served.connections.length;
    const found = await me(browser);
    await browser.post("/set", { json: { color: "red" } });
    const ws = await browser.webSocket("/ws");
    send(ws, "echo", {}, 1);
    await nextMessage(ws);
    expect(served.connections).toHaveLength(before + 1);
    const { userId, req } = served.connections.at(-1) as (typeof served.connections)[0];
    expect(userId).toBeUndefined();
    expect(typeof req.session.save).toBe("function");
    expect(data(req).polluted).toBeUndefined();
    expect(found.polluted).toBeUndefined();
    served.errors.splice(0);
  });

  test("does no harm in a message between nodes, and the node continues", async () => {
    const place = await redisPlace();
    const served = await serve({ backend: place.backend });
    const browser = await signIn(served);
    const { ws } = await open(served, browser);
    const channels = (await place.client.pubSubChannels(`${place.prefix}*:node*`)) as string[];
    expect(channels.length).toBeGreaterThan(0);
    const texts = [...payloads, ...["null", "1", '"a"', "[]", "[[]]", "{", "", '{"type":"__proto__"}']];
    const types = ["session_ended", "guests_logged_in", "membership", "toString", "__proto__", "constructor"];
    const typed = types.flatMap((type) =>
      ["null", "1", "[]", "{}", '{"__proto__":{"polluted":"yes"}}', '[{"__proto__":1}]'].map(
        (payload) => `{"type":"${type}","payload":${payload},"from":"x","question":"constructor"}`,
      ),
    );
    for (const channel of channels)
      for (const text of [...texts, ...typed]) await place.client.publish(channel, text);
    expect(await ask(ws, "echo", { a: 1 })).toMatchObject({ status: "success" });
    await served.chat.user("ada").send("news", {});
  });
});
