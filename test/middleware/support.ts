import { createHmac } from "node:crypto";
import type { RequestListener } from "node:http";
import express, { type Express, type Request } from "express";
import session, { type SessionData, type Store } from "express-session";
import express4 from "express4";
import memorystore from "memorystore";
import { memoryBackend } from "../../lib/index.ts";
import type { SessionMiddlewareOptions } from "../../lib/middleware/session-options.ts";
import { redisBackend } from "../../lib/redis.ts";
import { Browser, type BrowserResponse } from "../support/browser.ts";
import { listen } from "../support/http-server.ts";
import { timeoutMs } from "../support/patience.ts";
import { connectRedis, type RedisClient, uniquePrefix } from "../support/redis-client.ts";

export const secret = "a secret of these tests, at least 32 bytes long";

/** The supported Express versions. */
export const versions = [
  { version: "Express 4", createApp: express4 as () => Express },
  { version: "Express 5", createApp: express as () => Express },
];

/** Where sessions are stored in a test: the option for it, and the store as express-session sees it. */
export interface Place {
  options: Pick<SessionMiddlewareOptions, "backend" | "store" | "timeoutMs">;
  store: Store;
}

/** The backends, and a store from npm. */
export const places: { place: string; open: () => Promise<Place> }[] = [
  { place: "memory", open: async () => ofBackend(memoryBackend()) },
  {
    place: "Redis",
    open: async () => ofBackend(redisBackend({ client: await sharedRedis(), prefix: uniquePrefix("http") })),
  },
  {
    place: "the npm package memorystore",
    open: async () => {
      const MemoryStore = memorystore(session);
      const store = new MemoryStore({});
      return { options: { store, timeoutMs }, store };
    },
  },
];

function ofBackend(backend: ReturnType<typeof memoryBackend>): Place {
  return { options: { backend, timeoutMs }, store: backend.sessions.expressStore };
}

const cleanups: (() => unknown)[] = [];

/** Runs a step after the current test. The step that was added last runs first. */
export function afterThisTest(step: () => unknown): void {
  cleanups.push(step);
}

afterEach(async () => {
  for (const step of cleanups.splice(0).reverse()) await step();
});

let redis: Promise<RedisClient> | undefined;

/** A client of the shared Redis. Each test file has one. */
export function sharedRedis(): Promise<RedisClient> {
  redis ??= connectRedis();
  return redis;
}

afterAll(async () => {
  (await redis)?.destroy();
});

/** Serves an app until the end of the test, and returns a browser without cookies. */
export async function browse(app: RequestListener): Promise<Browser> {
  const { url, close } = await listen(app);
  const browser = new Browser(url);
  afterThisTest(() => {
    browser.close();
    return close();
  });
  return browser;
}

/** A session's contents under any name. An augmentation of its type would affect other tests. */
export function data(req: Request): Record<string, unknown> {
  return req.session as unknown as Record<string, unknown>;
}

/** Adds one to a number in the session, and returns it. */
export function countUp(req: Request, key = "count"): number {
  const next = Number(data(req)[key] ?? 0) + 1;
  data(req)[key] = next;
  return next;
}

/** The stored data, as express-session would read it. */
export function stored(store: Store, sid: string): Promise<SessionData | undefined> {
  return new Promise((resolve, reject) => {
    store.get(sid, (error, found) => (error ? reject(error) : resolve(found ?? undefined)));
  });
}

/** A signed value as express-session and cookie-parser put it into a cookie. */
export function signed(text: string, by: string = secret): string {
  const signature = createHmac("sha256", by).update(text).digest("base64").replace(/=+$/, "");
  return encodeURIComponent(`s:${text}.${signature}`);
}

/** The session id in a browser's cookie, or in a `Set-Cookie` line. */
export function sidOf(from: Browser | string | undefined, name = "connect.sid"): string {
  const value = from instanceof Browser ? from.cookies.get(name) : from?.split(";")[0]?.split("=")[1];
  const signed = decodeURIComponent(value ?? "");
  return signed.slice("s:".length, signed.lastIndexOf("."));
}

/** The attributes of a response's session cookie, `Expires` without its date; `undefined` if it sets none. */
export function cookieAttributes(response: BrowserResponse, name = "connect.sid"): string[] | undefined {
  const line = response.setCookies.find((cookie) => cookie.startsWith(`${name}=`));
  return line
    ?.split("; ")
    .slice(1)
    .map((attribute) => attribute.replace(/^Expires=.*/, "Expires"));
}
