import { WebSocket } from "ws";
import { type RealtimeClientOptions, realtimeClient } from "../../lib/client.ts";
import { type Subject, subject } from "./subject.ts";
import { noNumber } from "./values.ts";

const ms = { right: [1, 1.5, 2 ** 31 - 1], wrong: [...noNumber, 0, -1, 2 ** 31, Number.POSITIVE_INFINITY] };
const msOr0 = { right: [0, ...ms.right], wrong: ms.wrong.filter((value) => value !== 0) };

export const clientSubject: Subject = subject<RealtimeClientOptions>({
  whose: "realtimeClient",
  make: (options) => realtimeClient(options as RealtimeClientOptions).close(),
  base: { url: "ws://127.0.0.1:9/ws", WebSocket },
  rows: {
    url: {
      right: ["ws://127.0.0.1:9/ws", "http://127.0.0.1:9", new URL("http://127.0.0.1:9")],
      wrong: [undefined, null, "", "/ws", "127.0.0.1:9", "ftp://127.0.0.1:9", 7, true, {}],
    },
    heartbeatIntervalMs: msOr0,
    requestTimeoutMs: ms,
    minReconnectDelayMs: ms,
    maxReconnectDelayMs: ms,
    connectTimeoutMs: ms,
    maxQueuedMessages: msOr0,
    WebSocket: { right: [WebSocket], wrong: ["ws", {}, true, null, 7] },
  },
});
