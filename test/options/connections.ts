import { createServer } from "node:http";
import express from "express";
import express4 from "express4";
import {
  type ChannelHistory,
  type CloseOptions,
  type DeleteUserSessionsOptions,
  type ListUserSessionsOptions,
  memoryBackend,
  type RealtimeOptions,
  realtime,
  sessionMiddleware,
  sessionMiddlewareStack,
  type UserConnectionStoreOptions,
  type UserSessionsOptions,
  userConnectionStore,
  userSessions,
  type VerifyUserSessionsOptions,
  type WebSocketSessionsOptions,
  webSocketSessions,
} from "../../lib/index.ts";
import { type Subject, subject } from "./subject.ts";
import {
  above0,
  aClass,
  aFunction,
  delay,
  delayOr0,
  limit,
  limitOr0,
  noFunction,
  noNumber,
  noObject,
  nothing,
  trueOrFalse,
} from "./values.ts";

export const backend = memoryBackend();
export const stack = sessionMiddlewareStack(sessionMiddleware({ secret: "s", backend }));
const users = userSessions(stack);
const connectionStore = { get: nothing, set: nothing, delete: nothing, refresh: nothing };
const clock = { now: Date.now, every: nothing, after: nothing };

const origins = {
  right: [
    [],
    ["https://app.example.com", "http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080"],
    ["https://xn--bcher-kva.example", "capacitor://localhost", "file://", "chrome-extension://abcdefghij"],
    () => true,
  ],
  wrong: [
    ...["*", "null", "", "localhost:5173", "app.example.com", "http://a.example/", "http://a.example/b"],
    ...["https://A.example", "HTTPS://a.example", "https://a.example:443", "http://a.example:80"],
    ...["https://a.example.", "https://*.example.com", "ws://a.example", "wss://a.example", "//a.example"],
    ...["https://user@a.example", "https://a.example?b", "https://bücher.example", " https://a.example"],
    ...[
      "ftp://a.example",
      "data://a.example",
      "blob://a.example",
      "Capacitor://localhost",
      "capacitor://localhost/",
      "https://",
      7,
      null,
      undefined,
      /re/,
      {},
      ["http://a.example"],
    ],
  ].map((origin) => ["https://right.example", origin] as unknown),
};

const path = {
  right: ["/", "/ws", "/ws/", "/a/b.c-d_e~f", "/a%20b", "/c++", "//ws"],
  wrong: [
    ...["", "ws", "*", "/rooms/:id", "/:id", "/a-:b", "/rooms/*", "/rooms/*all", "/{:a}", "/(a|b)", "/[id]"],
    ...[
      "/ws?x=1",
      "/ws#top",
      "/a%zz",
      "/100%",
      "/a b",
      "/ü",
      "/a/../b",
      "/./ws",
      "\\ws",
      "http://a.example/ws",
    ],
    ...[/re/, ["/a", "/b"], 7, true, null, {}, nothing],
  ],
};

export const connectionSubjects: readonly Subject[] = [
  subject<UserSessionsOptions>({
    whose: "userSessions",
    make: (options) => userSessions(stack, options as UserSessionsOptions),
    rows: {
      keep: {
        right: [[], ["cart"]],
        // A session's own members and the login, which change with a new session.
        wrong: [
          ...[["id"], ["req"], ["cookie"], ["save"], ["constructor"], ["toString"], ["login"], [""]],
          ...["cart", { cart: true }, [1], [null], true, 7, null, new Set(["cart"])],
        ],
      },
      maxSessionsPerUser: limit,
      ackTimeoutMs: delay,
    },
  }),
  subject<DeleteUserSessionsOptions>({
    whose: "deleteUserSessions",
    make: (options) => users.deleteUserSessions("ada", options as DeleteUserSessionsOptions),
    rows: { except: { right: ["some-id"], wrong: ["", 7, true, null, {}, ["some-id"], nothing] } },
  }),
  subject<ListUserSessionsOptions>({
    whose: "listUserSessions",
    make: (options) => users.listUserSessions("ada", undefined, options as ListUserSessionsOptions),
    rows: { limit },
  }),
  subject<VerifyUserSessionsOptions>({
    whose: "verifyAllUserSessions",
    make: (options) => users.verifyAllUserSessions(options as VerifyUserSessionsOptions),
    rows: { repair: trueOrFalse },
  }),
  subject<VerifyUserSessionsOptions>({
    whose: "verifyUserSessions",
    make: (options) => users.verifyUserSessions("ada", options as VerifyUserSessionsOptions),
    rows: { repair: trueOrFalse },
  }),
  subject<WebSocketSessionsOptions>({
    whose: "webSocketSessions",
    make: (options) => webSocketSessions(stack, options as WebSocketSessionsOptions),
    rows: {
      path,
      app: {
        right: [express(), express4()],
        wrong: [
          ...[
            express,
            express4,
            express.Router(),
            express4.Router(),
            createServer(),
            createServer(express()),
          ],
          ...[{}, "app", true, null, [], nothing],
        ],
      },
      origins: {
        right: origins.right,
        wrong: [...origins.wrong, "*", "https://a.example", true, null, {}, /re/],
      },
      authorize: aFunction,
      handleProtocols: aFunction,
      maxConnectionsPerSession: limit,
      maxConnections: limit,
      maxAnonymousConnections: limitOr0,
      maxHandshakesPerSecond: above0,
      handshakeTimeoutMs: delay,
      revalidateMs: above0,
      maxPayload: {
        right: [1, 65_536, 2 ** 31 - 1],
        wrong: [...noNumber, 0, -1, 1.5, 2 ** 31, Number.POSITIVE_INFINITY, "64kb"],
      },
      perMessageDeflate: {
        right: [true, false, {}, { threshold: 1024 }],
        wrong: ["true", "false", 0, 1, null, [], nothing],
      },
    },
  }),
  subject<CloseOptions>({
    whose: "close",
    make: (options) => webSocketSessions(stack).close(options as CloseOptions),
    rows: { drainMs: delayOr0 },
  }),
  subject<RealtimeOptions>({
    whose: "realtime",
    make: (options) => realtime(options as RealtimeOptions),
    rows: {
      inactivityThresholdSeconds: above0,
      pingIntervalMs: delayOr0,
      keepAlive: { right: ["heartbeat", "message", "none"], wrong: ["always", "", true, false, 0, null, {}] },
      graceMs: delayOr0,
      maxMessagesPerSecond: above0,
      maxBytesPerSecond: above0,
      handlerTimeoutMs: delay,
      maxConnectionsPerUser: limit,
      maxGroupsPerUser: limit,
      maxBufferedBytes: above0,
      authorizeGroup: { right: [() => true, nothing], wrong: noFunction },
      connectionStore: {
        right: [connectionStore, userConnectionStore(), () => connectionStore],
        wrong: [
          ...[{}, userConnectionStore, { ...connectionStore, refresh: undefined }, new Map(), backend],
          ...[Promise.resolve(connectionStore), "user", true, null, []],
        ],
      },
      heartbeat: { right: [{}, { enabled: true }], wrong: [...noObject, nothing, 20_000] },
      history: {
        right: [{}, { maxMessages: 10 }, () => false],
        wrong: noObject.filter((value) => typeof value !== "function"),
      },
      clock: { right: [clock], wrong: [{}, Date, Date.now, { ...clock, after: 1 }, true, null, "utc"] },
    },
  }),
  subject<NonNullable<RealtimeOptions["heartbeat"]>>({
    whose: "realtime's heartbeat",
    factory: "realtime",
    path: "heartbeat.",
    make: (options) => realtime({ heartbeat: options as object }),
    rows: { enabled: trueOrFalse, frequencyMs: delay },
  }),
  subject<ChannelHistory>({
    whose: "realtime's history",
    factory: "realtime",
    path: "history.",
    make: (options) => realtime({ history: options as object }),
    rows: {
      maxMessages: { right: [1, 10_000], wrong: [...noNumber, 0, -1, 1.5, 10_001] },
      maxAgeSeconds: { right: [0.5, 604_800], wrong: [...noNumber, 0, -1, 604_801] },
      sinceJoin: trueOrFalse,
    },
  }),
  subject<UserConnectionStoreOptions>({
    whose: "userConnectionStore",
    make: (options) => userConnectionStore(options as UserConnectionStoreOptions),
    rows: {
      expiresSeconds: {
        right: [1, 30, 2 ** 31],
        wrong: [...noNumber, 0, -1, 1.5, 2 ** 31 + 1, Number.POSITIVE_INFINITY, aClass],
      },
    },
  }),
];
