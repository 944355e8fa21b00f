import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { WebSocket } from "ws";
import { realtimeClient } from "../../../lib/client.ts";
import { Browser } from "../../support/browser.ts";
import { listen } from "../../support/http-server.ts";
import { type App, Visitor, withinMs } from "./app.ts";
import { contents, set } from "./contents.ts";

const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  "express-session-stack": ["sessionMiddlewareStack", "webSocketSessions", "realtime", "userSessions"],
  "express-session-stack/redis": ["redisBackend", "RedisSessionStore"],
  "express-session-stack/client": ["realtimeClient"],
  "express-session-stack/testing": ["describeSessionStore", "describeBus"],
};

/** In processes of their own, as an app of either kind of module would load it first. */
export async function loadsEntries(): Promise<void> {
  for (const [entry, names] of Object.entries(ENTRIES)) {
    const by = (kind: string, load: string) => {
      const code = `const names = (all) => console.log(JSON.stringify(Object.keys(all).sort())); ${load}`;
      const args = [`--input-type=${kind}`, "--eval", code];
      return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as string[];
    };
    const imported = by("module", `names(await import(${JSON.stringify(entry)}))`);
    const required = by("commonjs", `names(require(${JSON.stringify(entry)}))`);
    for (const name of names) assert.ok(imported.includes(name), `import of ${entry} gives no ${name}`);
    const own = (all: string[]) => all.filter((name) => name !== "__esModule" && name !== "module.exports");
    assert.deepEqual(own(required), own(imported));
  }
}

export async function clientConnects(app: App): Promise<void> {
  const url = new URL("/ws", app.urls[0]).href;
  const client = realtimeClient({ url, WebSocket: WebSocket as never, requestTimeoutMs: withinMs });
  try {
    await client.request("put", { value: "by the client" });
    assert.equal(await client.request("get", {}), "by the client");
  } finally {
    client.close();
  }
}

export async function givesFigures(app: App): Promise<void> {
  const { body } = await new Visitor(app).get("/metrics");
  assert.match(JSON.parse(body), /^express_session_stack_handshakes_total\{status="101"\} [1-9]/m);
}

/** An app of express-session and connect-redis alone, on the same Redis with the same secret. */
export async function readsConnectRedis(app: App): Promise<void> {
  const client = createClient({ url: app.redisUrl });
  await client.connect();
  const plain = express();
  const store = new RedisStore({ client, prefix: `${app.prefix}sess:` });
  plain.use(session({ secret: app.secret, store, resave: false, saveUninitialized: false }));
  plain.use(express.json());
  plain.get("/session", (req, res) => void res.json(contents(req)));
  plain.post("/set", (req, res) => void res.json(set(req, req.body) ?? null));
  const { url, close } = await listen(plain);
  try {
    const browser = new Browser(url);
    await browser.post("/set", { json: { theirs: { nested: [1] } }, withinMs });
    const visitor = new Visitor(app);
    for (const [name, value] of browser.cookies) visitor.cookies.set(name, value);
    assert.deepEqual(await visitor.session(), { theirs: { nested: [1] } });
    await visitor.post("/set", { ours: true });
    const read = async () => JSON.parse((await browser.get("/session", { withinMs })).body) as object;
    assert.deepEqual(await read(), { theirs: { nested: [1] }, ours: true });

    const ours = new Visitor(app, 1);
    await ours.post("/log-in/kept");
    browser.cookies.clear();
    for (const [name, value] of ours.cookies) browser.cookies.set(name, value);
    assert.deepEqual(await read(), await ours.session());
    assert.ok("login" in (await read()));
  } finally {
    await close();
    await client.close();
  }
}
