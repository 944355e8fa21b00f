/** Files that say what a part of a backend must do. Each stands beside its implementations. */
export const CONTRACTS: ReadonlySet<string> = new Set([
  "backend/backend.ts",
  "bus/bus.ts",
  "connections/connection-store.ts",
  "connections/registry.ts",
  "groups/memberships.ts",
  "history/history.ts",
  "history/numbered.ts",
  "outcomes/outcomes.ts",
  "sessions/session-endings.ts",
  "sessions/session-store.ts",
  "users/session-index/session-index.ts",
]);

/** Files on the doorstep that every room may import. */
export const DOORSTEP: readonly string[] = ["errors.ts", "close-codes.ts"];

/** The entries of the package. They may import every room, and no room imports them. */
export const ENTRIES: readonly string[] = ["index.ts", "redis.ts", "client.ts", "testing.ts"];

const CALLS = ["calls", "time"];
const CHECKS = ["options", "names"];
const REDIS = ["redis-client"];
const STORED = ["sessions/data", "sessions", "sessions/record", "sessions/saving"];
const USERS = ["users/login", "users/session-index"];

/** Which rooms a room may import, beside itself and the doorstep. A folder without rooms is one room. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  time: [],
  names: [],
  memory: [],
  observability: [],
  options: ["time"],
  calls: ["time"],
  "redis-client": ["calls", "options"],
  contracts: ["bus/node", "memory", "options"],

  bus: ["contracts", "bus/redis", ...REDIS],
  "bus/node": ["contracts", "bus", "options", ...CALLS],
  "bus/redis": ["contracts", "calls", ...REDIS],
  sessions: [
    "contracts",
    "sessions/data",
    "sessions/redis",
    "bus/node",
    "calls",
    "memory",
    "options",
    ...REDIS,
  ],
  "sessions/data": ["contracts"],
  "sessions/redis": ["contracts", "sessions/data", ...CHECKS, ...REDIS],
  "sessions/saving": ["contracts", "sessions/data", ...CALLS],
  "sessions/record": ["contracts", "sessions/data", "sessions/saving", "calls"],
  connections: ["contracts", "sessions", "memory", ...REDIS],
  groups: ["contracts", "sessions/redis", "calls", "memory", "options", ...REDIS],
  history: ["contracts", "bus/redis", "calls", "memory", ...REDIS],
  outcomes: ["contracts", ...REDIS],
  "users/session-index": [
    "contracts",
    "sessions",
    "sessions/data",
    "bus/node",
    "calls",
    "memory",
    "names",
    ...REDIS,
  ],
  "users/login": ["bus/node", "calls", "observability", ...CHECKS],
  backend: [
    ...["contracts", "bus", "bus/node", "connections", "groups", "history", "outcomes", "sessions"],
    ...["sessions/redis", "users/session-index", "memory", "options", ...REDIS],
  ],

  middleware: [
    ...["contracts", "middleware/cookies", "middleware/response", ...STORED, ...USERS],
    ...["backend", "bus/node", "calls", "observability", ...CHECKS],
  ],
  "middleware/cookies": [
    "middleware",
    "sessions",
    "sessions/data",
    "sessions/record",
    "users/login",
    "options",
  ],
  "middleware/response": ["middleware", "middleware/cookies", "sessions/record"],
  users: [
    "contracts",
    "middleware",
    "sessions",
    "sessions/data",
    "sessions/record",
    ...USERS,
    "bus/node",
    "calls",
    "options",
  ],

  lines: ["middleware", "observability", "options"],
  websocket: [
    ...["lines", "websocket/admission", "websocket/handshake", "connections", "middleware", "sessions"],
    ...["users/login", "bus/node", "observability", "options"],
  ],
  "websocket/admission": [
    ...["websocket", "connections", "middleware", "middleware/cookies", "users/login", "options", "time"],
  ],
  "websocket/handshake": [
    ...["websocket", "websocket/admission", "lines", "connections", "middleware", "middleware/response"],
    ...["sessions/data", "options"],
  ],

  realtime: [
    ...["contracts", "lines", "middleware", "users/login", "observability", ...CALLS, "options"],
    ...["realtime/data", "realtime/delivery", "realtime/groups", "realtime/messages", "realtime/presence"],
    "realtime/recovery",
    "realtime/retries",
  ],
  "realtime/data": ["realtime", "contracts", "calls", ...CHECKS],
  "realtime/messages": [
    "realtime",
    "realtime/recovery",
    "realtime/retries",
    "contracts",
    "lines",
    "observability",
    "names",
    "time",
  ],
  "realtime/delivery": ["realtime/messages", "realtime/recovery", "contracts", "lines", "calls"],
  "realtime/recovery": ["realtime/delivery", "realtime/messages", "contracts", "lines", "calls", "options"],
  "realtime/retries": ["realtime", "realtime/messages", "contracts"],
  "realtime/groups": [
    ...["realtime", "realtime/delivery", "realtime/messages", "realtime/recovery", "contracts", "bus/node"],
    ...["names", ...CALLS],
  ],
  "realtime/presence": [
    ...["realtime", "realtime/messages", "contracts", "lines", "middleware", "bus/node", ...CALLS],
    ...["sessions/data", "sessions/record"],
  ],

  client: ["client/recovery", "realtime/messages"],
  "client/recovery": ["client"],
  testing: ["contracts", "sessions/data", "options"],
};
