import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { RedisStore } from "connect-redis";
import express, { type ErrorRequestHandler } from "express";
import session from "express-session";
import memorystore from "memorystore";
import { createClient } from "redis";
import {
  type CookieMiddlewareOptions,
  cookieMiddleware,
  memoryBackend,
  type SessionCookieOptions,
  type SessionMiddlewareOptions,
  sessionMiddleware,
} from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { listen } from "../support/http-server.ts";
import { type Subject, subject } from "./subject.ts";
import {
  aFunction,
  delay,
  noFunction,
  noNumber,
  noObject,
  nothing,
  type Rows,
  secret,
  trueOrFalse,
} from "./values.ts";

const backend = memoryBackend();
const client = createClient();
const keys = generateKeyPairSync("ed25519");
const texts = [7, true, null, {}, [], nothing];

const cookieRows: Rows<SessionCookieOptions & { overwrite?: boolean; originalMaxAge?: number }> = {
  domain: {
    right: ["example.com", ".example.com", "", null],
    wrong: ["https://example.com", "no;domain", "example.com:80", 7, true, {}, [], nothing],
  },
  encode: aFunction,
  expires: {
    right: [false, null, new Date(), new Date(0), "2030-01-01T00:00:00Z", Date.now()],
    wrong: [true, new Date(Number.NaN), "1h", Number.NaN, Number.POSITIVE_INFINITY, {}, [], nothing],
  },
  httpOnly: trueOrFalse,
  maxAge: {
    right: [null, false, 1_000, 0, 1.5, -1, 30 * 86_400_000],
    wrong: [
      ...noNumber.filter((value) => value !== null && !(value instanceof Date)),
      Number.POSITIVE_INFINITY,
      Number.MAX_SAFE_INTEGER,
      nothing,
      new Date(Number.NaN),
    ],
  },
  originalMaxAge: { right: [null, 1_000], wrong: ["1h", true, {}] },
  overwrite: trueOrFalse,
  partitioned: trueOrFalse,
  path: {
    right: ["/", "/admin", "/a/b/"],
    wrong: [
      "",
      "admin",
      "https://example.com/",
      "/no;path",
      "/a?b",
      "/a#b",
      null,
      7,
      true,
      {},
      /re/,
      nothing,
    ],
  },
  priority: { right: ["low", "medium", "high", "High"], wrong: ["urgent", "", 1, null, true, {}] },
  sameSite: {
    right: [true, false, "lax", "strict", "none", "auto", "Lax"],
    wrong: ["loose", "", "false", "true", 0, 1, null, {}, [], "AUTO", nothing],
  },
  secure: {
    right: [true, false, "auto"],
    wrong: ["yes", "true", "false", "Auto", "", 0, 1, null, {}, [], nothing],
  },
  signed: trueOrFalse,
};

const name = { right: ["sid", "__Host-sid", "a.b"], wrong: ["", "my session", "a=b", "a;b", ...texts] };

const sessionRows: Rows<SessionMiddlewareOptions> = {
  secret: {
    right: [...secret.right, createSecretKey(Buffer.from("a"))],
    wrong: [...secret.wrong, [], keys.privateKey, keys.publicKey],
  },
  backend: {
    right: [backend, { ...backend }, redisBackend({ client })],
    wrong: [
      {},
      { ...backend, node: null },
      { ...backend, close: undefined },
      memoryBackend,
      redisBackend,
      Promise.resolve(backend),
      new session.MemoryStore(),
      client,
      "redis",
      true,
      null,
      [backend],
    ],
  },
  store: {
    right: [
      new session.MemoryStore(),
      new (memorystore(session))({}),
      new RedisStore({ client }),
      backend.sessions,
    ],
    wrong: [
      {},
      session.MemoryStore,
      memorystore(session),
      RedisStore,
      new RedisStore(client as never),
      client,
      backend,
      new Map(),
      Promise.resolve(new session.MemoryStore()),
      "redis",
      true,
      null,
      [],
    ],
  },
  cookie: {
    right: [{}, Object.create(null), () => ({})],
    wrong: [...noObject, session, new Date()].filter((value) => typeof value !== "function"),
  },
  name,
  key: name,
  loginKey: { right: ["login", "signedIn"], wrong: ["", "cookie", "id", "req", "save", "touch", ...texts] },
  genid: aFunction,
  proxy: trueOrFalse,
  resave: trueOrFalse,
  rolling: trueOrFalse,
  saveUninitialized: trueOrFalse,
  unset: { right: ["destroy", "keep"], wrong: ["remove", "", "Keep", ...texts] },
  saveEveryRequest: trueOrFalse,
  saveUnless: aFunction,
  touchAfterMs: { right: [0, 1, 60_000, Number.POSITIVE_INFINITY], wrong: [...noNumber, -1, nothing] },
  userId: aFunction,
  timeoutMs: delay,
};

let answer: object = {};

/** Requests a page with a cookie function that returns this. Rejects with the error that `next` received. */
async function request(options: unknown): Promise<void> {
  answer = options as object;
  let failure: unknown;
  const app = express();
  app.use(sessionMiddleware({ secret: "s", cookie: () => answer }));
  app.get("/", (_req, res) => void res.end());
  app.use(((error, _req, res, _next) => {
    failure = error;
    res.end();
  }) as ErrorRequestHandler);
  const { url, close } = await listen(app);
  await fetch(url).then((response) => response.text());
  await close();
  if (failure) throw failure;
}

export const sessionSubjects: readonly Subject[] = [
  subject<SessionMiddlewareOptions>({
    whose: "sessionMiddleware",
    make: (options) => sessionMiddleware(options as SessionMiddlewareOptions),
    rows: sessionRows,
  }),
  subject({
    whose: "sessionMiddleware's cookie",
    factory: "sessionMiddleware",
    path: "cookie.",
    make: (options) => sessionMiddleware({ secret: "s", cookie: options as SessionCookieOptions }),
    rows: cookieRows,
  }),
  subject({
    whose: "sessionMiddleware's cookie function",
    make: request,
    rows: {
      ...cookieRows,
      // A value from the client may be an invalid domain or path, which is an error event.
      domain: { ...cookieRows.domain, wrong: [7, true, {}, []] },
      path: { ...cookieRows.path, wrong: ["", "admin", null, 7] },
    },
  }),
  subject<CookieMiddlewareOptions>({
    whose: "cookieMiddleware",
    make: (options) => cookieMiddleware(options as CookieMiddlewareOptions),
    rows: {
      secret: { ...secret, right: [...secret.right, []] },
      decode: { right: [decodeURIComponent], wrong: noFunction },
    },
  }),
];
