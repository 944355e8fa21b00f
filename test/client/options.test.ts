import { WebSocket } from "ws";
import { clientConfig } from "../../lib/client/client-options.ts";
import { type RealtimeClientOptions, realtimeClient } from "../../lib/client.ts";

const given = { url: "wss://example.com/ws", WebSocket };

describe("options of realtimeClient", () => {
  test("have defaults, also for undefined", () => {
    const undefinedOnes = { heartbeatIntervalMs: undefined, maxQueuedMessages: undefined };
    expect(clientConfig({ ...given, ...(undefinedOnes as object) })).toEqual({
      ...given,
      heartbeatIntervalMs: 20_000,
      requestTimeoutMs: 10_000,
      minReconnectDelayMs: 500,
      maxReconnectDelayMs: 30_000,
      connectTimeoutMs: 10_000,
      maxQueuedMessages: 100,
    });
  });

  test.each([
    ["heartbeatIntervalMs", -1],
    ["heartbeatIntervalMs", Number.NaN],
    ["requestTimeoutMs", 0],
    ["requestTimeoutMs", 2 ** 31],
    ["minReconnectDelayMs", "1s"],
    ["maxReconnectDelayMs", Number.POSITIVE_INFINITY],
    ["connectTimeoutMs", 0],
    ["maxQueuedMessages", -1],
    ["WebSocket", "ws"],
    ["url", "/ws"],
    ["url", "ftp://example.com/ws"],
    ["url", undefined],
  ])("%s: %p is refused at once, by name", (name, value) => {
    const wrong = { ...given, [name]: value } as RealtimeClientOptions;
    expect(() => realtimeClient(wrong)).toThrow(TypeError);
    expect(() => realtimeClient(wrong)).toThrow(`realtimeClient: option "${name}" must be`);
  });

  describe("url", () => {
    afterEach(() => {
      Reflect.deleteProperty(globalThis, "location");
    });

    test.each([
      ["/ws", "wss://chat.example.com/ws"],
      ["live?room=1", "wss://chat.example.com/a/live?room=1"],
      ["http://other.example.com:81/ws", "ws://other.example.com:81/ws"],
      ["//other.example.com/ws", "wss://other.example.com/ws"],
      ["ws://localhost/ws", "ws://localhost/ws"],
      ["/ws#top", "wss://chat.example.com/ws"],
    ])("%s, on a page, is %s", (url, absolute) => {
      Object.assign(globalThis, { location: { href: "https://chat.example.com/a/b?c#d" } });
      expect(clientConfig({ ...given, url }).url).toBe(absolute);
    });
  });

  test("WebSocket is required if there is no global one", () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
    Object.defineProperty(globalThis, "WebSocket", { value: undefined, configurable: true, writable: true });
    try {
      expect(() => realtimeClient({ url: given.url })).toThrow('option "WebSocket" must be a class');
    } finally {
      if (before) Object.defineProperty(globalThis, "WebSocket", before);
      else Reflect.deleteProperty(globalThis, "WebSocket");
    }
  });

  test("are left unchanged", () => {
    const options = Object.freeze({ ...given, url: "ws://127.0.0.1:9/ws" });
    realtimeClient(options).close();
  });
});
