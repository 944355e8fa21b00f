import { RedisStore } from "connect-redis";
import type { Express, RequestHandler } from "express";
import session, { type SessionOptions, type Store } from "express-session";
import memorystore from "memorystore";
import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";
import type { Browser, BrowserRequest, BrowserResponse } from "../support/browser.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { browse, places, secret, sharedRedis, stored, versions } from "./support.ts";

type Visit = string | [request: string, init: BrowserRequest] | ((browser: Browser) => void);

/** One app and a visit to it. express-session and the stack must answer it alike. */
export interface Scenario {
  title: string;
  options?: Partial<SessionOptions>;
  app: (app: Express, session: RequestHandler) => void;
  /** Requests such as "GET /". Each has the cookies of the earlier ones. */
  visits: Visit[];
}

/** The known differences from express-session, which are not compared. */
const switchedBack = { saveUnless: () => false, touchAfterMs: 0 };

/** express-session over the same kind of store, by the name of the place. */
const peers: Record<string, () => Promise<Store>> = {
  memory: async () => new session.MemoryStore(),
  Redis: async () => new RedisStore({ client: await sharedRedis(), prefix: uniquePrefix("peer") }),
  "the npm package memorystore": async () => new (memorystore(session))({}),
};

/** Plays each scenario with express-session and with the stack, and compares what both send and store. */
export function describeParity(scenarios: Scenario[]): void {
  describe.each(versions)("in $version", ({ createApp }) => {
    describe.each(places)("on $place", ({ place, open }) => {
      test.each(scenarios)("behaves as express-session does: $title", async (scenario) => {
        const options: SessionOptions = {
          secret,
          resave: false,
          saveUninitialized: false,
          ...scenario.options,
          cookie: plainCookie(scenario.options?.cookie),
        };
        const peerStore = (await peers[place]?.()) as Store;
        const expected = await play(
          scenario,
          createApp(),
          session({ ...options, store: peerStore }),
          peerStore,
        );

        const { options: where, store } = await open();
        const subject = sessionMiddleware({
          ...options,
          ...where,
          ...switchedBack,
        } as SessionMiddlewareOptions);
        const got = await play(scenario, createApp(), subject, store);

        expect(got).toEqual(expected);
      });
    });
  });
}

/** Cookie options without the defaults of the stack, for both. */
function plainCookie(cookie: SessionOptions["cookie"] = {}): SessionOptions["cookie"] {
  const plain = { secure: false, sameSite: false };
  if (typeof cookie !== "function") return { ...plain, ...cookie };
  return (req) => ({ ...plain, ...cookie(req) });
}

async function play(
  { app: build, visits }: Scenario,
  app: Express,
  middleware: RequestHandler,
  store: Store,
) {
  build(app, middleware);
  const browser = await browse(app);
  const ids = new Map<string, string>();
  const seen: unknown[] = [];
  for (const visit of visits) {
    if (typeof visit === "function") {
      visit(browser);
      continue;
    }
    const [request, init] = typeof visit === "string" ? [visit, {}] : visit;
    const [method = "", path = ""] = request.split(" ");
    const response = await browser.request(method, path, init);
    for (const line of response.setCookies) remember(ids, line);
    seen.push({ request, ...told(response, ids), stored: await allStored(store, ids) });
  }
  return seen;
}

/** Numbers the session ids by their first appearance, because they differ between runs. */
function remember(ids: Map<string, string>, line: string): void {
  const [, sid] = /=s%3A([^.;]*)\./.exec(line) ?? [];
  if (sid !== undefined && !ids.has(sid)) ids.set(sid, `<session ${ids.size + 1}>`);
}

function told({ status, headers, setCookies, body }: BrowserResponse, ids: Map<string, string>) {
  // The framing of the body is not compared: only the stack knows the length when the session is stored.
  const {
    date,
    connection,
    "keep-alive": _,
    "content-length": __,
    "transfer-encoding": ___,
    ...others
  } = headers;
  const { "set-cookie": ____, ...compared } = others;
  return {
    status,
    headers: compared,
    // The line that expires the cookie of an ended session is not compared either.
    cookies: setCookies.filter((line) => !/^[^=]+=;/.test(line)).map((line) => readable(line, ids)),
    body: readable(body, ids),
  };
}

function readable(text: string, ids: Map<string, string>): string {
  let result = text.replace(/Expires=([^;]*)/g, (_, date: string) => `Expires=${fromNow(date)}`);
  for (const [sid, name] of ids) result = result.replaceAll(sid, name);
  return result.replace(/(<session \d+>)\.[^;]*/g, "$1");
}

async function allStored(store: Store, ids: Map<string, string>) {
  const found: Record<string, unknown> = {};
  for (const [sid, name] of ids) {
    const data = await stored(store, sid);
    if (!data) continue;
    const { cookie, ...rest } = JSON.parse(JSON.stringify(data));
    found[name] = {
      ...rest,
      cookie: {
        ...cookie,
        // The stack stores `false` as `null`.
        expires: cookie.expires ? fromNow(cookie.expires) : null,
        originalMaxAge: cookie.originalMaxAge ? inMinutes(cookie.originalMaxAge) : null,
      },
    };
  }
  return found;
}

function fromNow(date: string): string {
  return `in ${inMinutes(Date.parse(date) - Date.now())}`;
}

/** Rounds times, because two runs differ in time. */
function inMinutes(ms: number): string {
  return `${Math.round(ms / 60_000)} min`;
}
