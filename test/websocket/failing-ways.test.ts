import { resolve } from "node:path";
import type { WebSocket } from "ws";
import { Browser, closed, nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node-process.ts";
import { afterThisTest, type Served, serve, signIn } from "./support.ts";
import { waysToFail } from "./ways-to-fail.ts";

const internalError = { code: 1011, reason: "internal_error" };

test.each(waysToFail)("$how: closes with 1011 and is one error event", async ({ add, told }) => {
  const served = await serve({ onConnection: (ws) => add(ws) });
  const ws = await (await signIn(served)).webSocket("/ws");
  ws.send("boom");
  expect(await closed(ws)).toEqual(internalError);
  await eventually(() => expect(served.errors).toMatchObject([{ message: told }]));
  await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
});

// Once, a rejection of onmessage, addEventListener, handleEvent or a callback of send ended the process.
test("a separate process survives all of them", async () => {
  const node = await startNodeProcess(resolve("test/websocket/failing-node-main.ts"), {});
  afterThisTest(() => node.kill());
  const browser = new Browser(node.url);
  afterThisTest(() => browser.close());
  for (const [at] of waysToFail.entries()) {
    const ws = await browser.webSocket(`/ws?at=${at}`);
    ws.send("boom");
    expect(await closed(ws)).toEqual(internalError);
  }
  await eventually(async () => {
    const told = (await browser.get("/told")).json() as { errors: string[]; unhandled: string[] };
    expect(told).toEqual({ errors: waysToFail.map(({ told }) => told), unhandled: [] });
  });
});

test.each<[string, unknown]>([
  ["undefined", undefined],
  ["null", null],
  ["a string", "broken"],
  ["an object without a prototype", Object.create(null)],
])("a rejection with %s is an error event as well", async (_what, reason) => {
  const served = await serve({
    onConnection: (ws) => {
      ws.onmessage = () => Promise.reject(reason) as never;
    },
  });
  const ws = await (await signIn(served)).webSocket("/ws");
  ws.send("boom");
  expect(await closed(ws)).toEqual(internalError);
  await eventually(() => expect(served.errors).toEqual([expect.any(Error)]));
  expect(served.errors[0]?.message).not.toBe("");
});

test("a thenable that never settles keeps nothing open", async () => {
  const served = await serve({
    onConnection: (ws) => {
      // biome-ignore lint/suspicious/noThenProperty: this is what the test is about
      ws.addEventListener("message", () => ({ then: () => {} }));
      ws.on("message", (text) => ws.send(`heard ${text}`));
    },
  });
  const ws = await (await signIn(served)).webSocket("/ws");
  ws.send("hello");
  expect(await nextMessage(ws)).toBe("heard hello");
  ws.close(1000);
  await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
  expect(served.errors).toEqual([]);
});

describe("handlers behave as in ws", () => {
  let line: WebSocket;
  let ws: WebSocket;
  beforeEach(async () => {
    const served = await serve({ onConnection: () => {} });
    ws = await (await signIn(served)).webSocket("/ws");
    line = (served.opened[0] as Served["opened"][0]).ws;
  });

  test("onmessage returns its handler, replaces an earlier one, and accepts null", () => {
    const [first, second] = [() => {}, () => {}];
    expect(line.onmessage).toBeNull();
    line.onmessage = first;
    expect(line.onmessage).toBe(first);
    line.onmessage = second;
    expect(line.onmessage).toBe(second);
    expect(line.listenerCount("message")).toBe(1);
    line.onmessage = null;
    expect([line.onmessage, line.listenerCount("message")]).toEqual([null, 0]);
  });

  test("addEventListener adds a listener once, removeEventListener removes it, and it receives the event and this", async () => {
    const seen: unknown[] = [];
    function onMessage(this: unknown, { data, target }: { data: unknown; target: unknown }): void {
      seen.push(data, target === line, this === line);
    }
    const object = { handleEvent: (event: { data: unknown }) => void seen.push(event.data) };
    for (const _ of [1, 2]) {
      line.addEventListener("message", onMessage);
      line.addEventListener("message", object);
    }
    ws.send("one");
    await eventually(() => expect(seen).toEqual(["one", true, true, "one"]));
    line.removeEventListener("message", onMessage);
    line.removeEventListener("message", object);
    expect(line.listenerCount("message")).toBe(0);
  });
});

// Once, such a listener before the package's own left the connection counted for ever, and close() never resolved.
test.each<[string, (ws: WebSocket) => unknown]>([
  [
    "throws on close before anybody else",
    (ws) =>
      ws.prependListener("close", () => {
        throw new Error("broken");
      }),
  ],
  [
    "throws in onclose",
    (ws) =>
      Object.assign(ws, {
        onclose: () => {
          throw new Error("broken");
        },
      }),
  ],
  ["takes all listeners off", (ws) => ws.removeAllListeners()],
])("a listener that %s keeps neither the connection open nor close() waiting", async (_how, add) => {
  const served = await serve({ onConnection: (ws) => void add(ws) });
  const [user, guest] = [await signIn(served), served.browser()];
  const [left, drained] = [await user.webSocket("/ws"), await user.webSocket("/ws")];
  const drainedGuest = await guest.webSocket("/ws");
  left.close(1000);
  await eventually(() => expect(served.wsSessions.connections.size).toBe(2));
  await served.wsSessions.close();
  for (const ws of [drained, drainedGuest])
    expect(await closed(ws)).toEqual({ code: 1012, reason: "service_restart" });
  expect(served.wsSessions.stats()).toMatchObject({ connections: 0, closes: { "1000": 1, "1012": 2 } });
});

test("an error of the line without a listener is an error of neither the process nor the app", async () => {
  const served = await serve({ onConnection: (ws) => void ws.removeAllListeners() });
  const ws = await (await signIn(served)).webSocket("/ws");
  // A frame with a reserved bit set.
  (ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
    Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
  );
  expect((await closed(ws)).code).toBe(1002);
  await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
  expect(served.errors).toEqual([]);
});

test("an error listener that throws or rejects is a process warning, and the others are called", async () => {
  const warnings: string[] = [];
  const spy = jest.spyOn(process, "emitWarning").mockImplementation((warning) => {
    warnings.push(String((warning as Error).message ?? warning));
  });
  afterThisTest(() => spy.mockRestore());
  const served = await serve({
    onConnection: (ws) =>
      void Object.assign(ws, {
        onmessage: async () => {
          throw new Error("broken");
        },
      }),
  });
  const told: string[] = [];
  served.wsSessions
    .on("error", () => {
      throw new Error("thrown by a listener");
    })
    .on("error", (async () => {
      throw new Error("rejected by a listener");
    }) as never)
    .on("error", ({ message }) => told.push(message));
  const ws = await (await signIn(served)).webSocket("/ws");
  ws.send("boom");
  expect(await closed(ws)).toEqual(internalError);
  await eventually(() =>
    expect([told, warnings]).toEqual([["broken"], ["thrown by a listener", "rejected by a listener"]]),
  );
});

// Node accepts only errors of its own realm as a warning. Once, its refusal was an uncaught error.
test("an error of another realm without a listener is a process warning too", async () => {
  const { webSocketSessions } = await import("../../lib/index.ts");
  const served = await serve();
  served.server.removeAllListeners("upgrade");
  const sessions = webSocketSessions(served.stack).on("connection", (ws) => {
    ws.on("message", async () => {
      throw new Error("of the realm of this test");
    });
  });
  served.server.on("upgrade", sessions.handleUpgrade);
  const warning = jest.spyOn(process, "emitWarning");
  afterThisTest(() => warning.mockRestore());
  const ws = await served.browser().webSocket("/ws");
  ws.send("boom");
  expect(await closed(ws)).toEqual(internalError);
  await eventually(() => {
    expect(warning.mock.results.at(-1)?.type).toBe("return");
    expect(String(warning.mock.calls.at(-1)?.[0])).toContain("of the realm of this test");
  });
});

// Once, "removeListener" was never emitted.
test("adding and removing a listener emits the events of ws", async () => {
  const told: unknown[] = [];
  const listener = () => {};
  await serve({
    onConnection: (ws) => {
      ws.on("newListener", (event) => told.push(["added", event]));
      ws.on("removeListener", (event) => told.push(["removed", event]));
      ws.on("pong", listener);
      ws.off("pong", listener);
    },
  }).then(async (served) => (await signIn(served)).webSocket("/ws"));
  await eventually(() => expect(told).toContainEqual(["removed", "pong"]));
  expect(told).toContainEqual(["added", "pong"]);
});
