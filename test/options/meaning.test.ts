import { createServer } from "node:http";
import session from "express-session";
import { createClient } from "redis";
import {
  cookieMiddleware,
  memoryBackend,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  userConnectionStore,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";
import { RedisSessionStore, redisBackend } from "../../lib/redis.ts";

const backend = memoryBackend();
const stack = sessionMiddlewareStack(sessionMiddleware({ secret: "s", backend }));
const client = createClient();

afterAll(() => backend.close());

const factories: Readonly<Record<string, (options: never) => unknown>> = {
  cookieMiddleware,
  memoryBackend,
  realtime,
  redisBackend,
  sessionMiddleware,
  RedisSessionStore: (options) => new RedisSessionStore(options),
  userConnectionStore,
  userSessions: (options) => userSessions(stack, options),
  webSocketSessions: (options) => webSocketSessions(stack, options),
};

function failureOf(call: () => unknown): TypeError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return error as TypeError;
  }
  throw new Error("It was taken");
}

// Once, each was ignored, so everybody was accepted, or data was not kept as long as intended.
test.each<[factory: string, options: object, meaning: string]>([
  ["webSocketSessions", { authorise: () => false }, 'unknown option "authorise"; did you mean "authorize"?'],
  [
    "webSocketSessions",
    { authorizeGroups: () => false },
    'did you mean "authorizeGroup", an option of realtime?',
  ],
  ["webSocketSessions", { verifyClient: () => false }, 'did you mean "authorize"?'],
  ["webSocketSessions", { origin: [] }, 'did you mean "origins"?'],
  ["webSocketSessions", { cors: [] }, 'did you mean "origins"?'],
  ["webSocketSessions", { handshakeTimeout: 1 }, 'did you mean "handshakeTimeoutMs"?'],
  ["webSocketSessions", { maxConnectionsPerSesion: 1 }, 'did you mean "maxConnectionsPerSession"?'],
  ["realtime", { maxConnections: 1 }, 'did you mean "maxConnectionsPerUser"?'],
  ["webSocketSessions", { secret: "s" }, "of sessionMiddleware"],
  [
    "realtime",
    { authorizeGroups: () => false },
    'unknown option "authorizeGroups"; did you mean "authorizeGroup"?',
  ],
  ["realtime", { authoriseGroup: () => false }, 'did you mean "authorizeGroup"?'],
  ["realtime", { authorize: () => false }, '"authorize" is an option of webSocketSessions'],
  ["realtime", { inactivityThresholdMs: 1 }, 'did you mean "inactivityThresholdSeconds"?'],
  ["realtime", { store: {} }, 'did you mean "connectionStore"? ("store" is an option of sessionMiddleware)'],
  ["realtime", { heartbeat: { frequency: 1 } }, 'option "heartbeat.frequency"; did you mean "frequencyMs"?'],
  [
    "sessionMiddleware",
    { maxage: 1 },
    'unknown option "maxage"; did you mean "maxAge", an option of sessionMiddleware\'s cookie?',
  ],
  ["sessionMiddleware", { maxAge: 1 }, '"maxAge" is an option of sessionMiddleware\'s cookie'],
  ["sessionMiddleware", { cookie: { maxage: 1 } }, 'unknown option "cookie.maxage"; did you mean "maxAge"?'],
  ["sessionMiddleware", { cookie: { ttl: 1 } }, 'did you mean "maxAge"?'],
  ["sessionMiddleware", { cookie: { samesite: "lax" } }, 'did you mean "sameSite"?'],
  ["sessionMiddleware", { cookie: { name: "a" } }, '"name" is an option of sessionMiddleware'],
  ["sessionMiddleware", { saveUnitialized: true }, 'did you mean "saveUninitialized"?'],
  ["sessionMiddleware", { saveUninitialised: true }, 'did you mean "saveUninitialized"?'],
  ["sessionMiddleware", { path: "/" }, '"path" is an option of sessionMiddleware\'s cookie'],
  ["sessionMiddleware", { path: "/" }, "webSocketSessions"],
  ["sessionMiddleware", { secure: true }, '"secure" is an option of sessionMiddleware\'s cookie'],
  ["sessionMiddleware", { client }, "of redisBackend"],
  ["sessionMiddleware", { ttl: 60 }, "of redisBackend"],
  ["memoryBackend", { maxAge: 60 }, 'did you mean "ttl"?'],
  ["redisBackend", { client, disableTtl: true }, 'did you mean "disableTTL"?'],
  ["redisBackend", { client, keyPrefix: "a" }, 'did you mean "prefix"?'],
  ["redisBackend", { redis: client }, 'unknown option "redis"; did you mean "client"?'],
  ["userSessions", { maxSessions: 1 }, 'did you mean "maxSessionsPerUser"?'],
  ["userSessions", { __proto__: null, ackTimeout: 1 }, 'did you mean "ackTimeoutMs"?'],
  ["userSessions", JSON.parse('{"__proto__":{"keep":[]}}') as object, 'unknown option "__proto__"'],
  ["userSessions", { toString: 1 }, 'unknown option "toString"'],
])("%s with %p names the intended option", (factory, options, meaning) => {
  const { message } = failureOf(() => factories[factory]?.(options as never));
  expect(message).toContain(`${factory}: `);
  expect(message).toContain(meaning);
});

test.each<[factory: string, options: unknown, fix: string]>([
  ["webSocketSessions", { origins: "https://a.example" }, "put it into an array"],
  ["webSocketSessions", { origins: ["*"] }, "name each one, or give a function"],
  ["webSocketSessions", { origins: ["https://*.a.example"] }, "name each one, or give a function"],
  ["webSocketSessions", { origins: ["http://a.example/"] }, 'write "http://a.example"'],
  ["webSocketSessions", { origins: ["https://A.example:443/b?c"] }, 'write "https://a.example"'],
  ["webSocketSessions", { origins: ["https://user:pw@a.example."] }, 'write "https://a.example"'],
  ["webSocketSessions", { origins: ["wss://a.example:8443"] }, 'write "https://a.example:8443"'],
  ["webSocketSessions", { origins: ["localhost:5173"] }, 'write "http://localhost:5173"'],
  ["webSocketSessions", { origins: ["a.example"] }, 'write "https://a.example"'],
  ["webSocketSessions", { origins: ["null"] }, "sandboxed frame"],
  ["webSocketSessions", { path: "/rooms/:id" }, "leave path out"],
  ["webSocketSessions", { path: /re/ }, "leave path out"],
  ["webSocketSessions", { path: "/ws?x=1" }, 'write "/ws"'],
  ["webSocketSessions", { path: "ws" }, 'write "/ws"'],
  ["webSocketSessions", { path: "/ü" }, 'write "/%C3%BC"'],
  ["webSocketSessions", { app: createServer() }, "not such a Server"],
  ["realtime", { heartbeat: true }, "as { enabled: true, frequencyMs: 20_000 }, not true"],
  ["realtime", { connectionStore: userConnectionStore }, "call it: userConnectionStore()"],
  ["sessionMiddleware", { secret: [] }, "the secret option array must have one or more"],
  [
    "sessionMiddleware",
    { backend: redisBackend },
    "what memoryBackend() or redisBackend({ client }) returns, not a function",
  ],
  ["sessionMiddleware", { backend: Promise.resolve(backend) }, "not a promise: await it"],
  ["sessionMiddleware", { backend: new session.MemoryStore() }, 'for "store"'],
  [
    "sessionMiddleware",
    { store: session.MemoryStore },
    "an instance of an express-session store, not a function",
  ],
  ["sessionMiddleware", { store: client }, "redisBackend({ client })"],
  ["sessionMiddleware", { store: backend }, 'a backend is for "backend"'],
  ["sessionMiddleware", { cookie: { maxAge: "1h" } }, "60 * 60 * 1000"],
  ["redisBackend", client, "options must be an object, as { client }, not the client itself"],
  ["RedisSessionStore", client, "options must be an object, as { client }, not the client itself"],
  ["redisBackend", { client, ttl: Number.POSITIVE_INFINITY }, "disableTTL"],
  // Once, only the store reported this, under its own name.
  ["redisBackend", { client, prefix: "a*" }, 'redisBackend: option "prefix" must be'],
  // As in cookie-parser.
  ["cookieMiddleware", "secret", "options must be an object, as { secret: … }, not a string"],
])("%s with %p names the fix", (factory, options, fix) => {
  expect(failureOf(() => factories[factory]?.(options as never)).message).toContain(fix);
});

test("no message contains a secret or any other given value", () => {
  for (const options of [
    { secret: ["top-secret", ""] },
    { secret: { key: "top-secret" } },
    { name: "top-secret;" },
  ])
    expect(failureOf(() => sessionMiddleware(options as never)).message).not.toContain("top-secret");
  const origins = ["https://user:top-secret@a.example"];
  expect(failureOf(() => webSocketSessions(stack, { origins })).message).not.toContain("top-secret");
});

test("options of connect-redis are accepted, in one object or spread", () => {
  const options = {
    client,
    prefix: "a:",
    ttl: () => 60,
    serializer: JSON,
    disableTTL: false,
    disableTouch: true,
  };
  expect(() => redisBackend({ ...options, scanCount: 10, leaseMs: 1_000 })).not.toThrow();
});

test("a session store that keeps the package's contract is accepted as a store", () => {
  expect(() => sessionMiddleware({ secret: "s", store: backend.sessions as never })).not.toThrow();
});
