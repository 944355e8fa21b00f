import { closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { rawRequest, rawSocket } from "../support/raw-socket.ts";
import { answerIn, cookieOf, handshake } from "./raw-handshake.ts";
import { afterThisTest, ask, serve, signIn } from "./support.ts";

const restart = { code: 1012, reason: "service_restart" };

describe("close", () => {
  test("refuses new handshakes with 503, closes the connections with 1012, and resolves when all are closed", async () => {
    const served = await serve();
    const browser = await signIn(served);
    const all = [
      await browser.webSocket("/ws"),
      await browser.webSocket("/ws"),
      await served.browser().webSocket("/ws"),
    ];
    const closing = served.wsSessions.close();
    const refused = answerIn(await rawRequest(served.port, handshake("/ws", cookieOf(browser))));
    expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "1", connection: "close" } });
    await closing;
    expect(served.wsSessions.connections.size).toBe(0);
    for (const ws of all) expect(await closed(ws)).toEqual(restart);
    expect((await browser.get("/session")).status).toBe(200);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "5s"])(
    "refuses a drainMs of %p, and keeps serving",
    async (drainMs) => {
      const served = await serve();
      await expect(served.wsSessions.close({ drainMs: drainMs as number })).rejects.toThrow(/"drainMs"/);
      const ws = await served.browser().webSocket("/ws");
      expect(ws.readyState).toBe(ws.OPEN);
    },
  );

  test("spreads the closes over drainMs", async () => {
    const served = await serve();
    const tabs = await Promise.all(Array.from({ length: 5 }, () => served.browser().webSocket("/ws")));
    const open = () => served.opened.filter(({ ws }) => ws.readyState === ws.OPEN).length;
    jest.useFakeTimers({ doNotFake: ["Date", "setImmediate", "nextTick", "queueMicrotask"] });
    afterThisTest(() => jest.useRealTimers());
    const closing = served.wsSessions.close({ drainMs: 500 });
    jest.advanceTimersByTime(0);
    for (let left = 4; left > 0; left--) {
      expect(open()).toBe(left);
      jest.advanceTimersByTime(99);
      expect(open()).toBe(left);
      jest.advanceTimersByTime(1);
    }
    expect(open()).toBe(0);
    jest.useRealTimers();
    await closing;
    for (const ws of tabs) expect(await closed(ws)).toEqual(restart);
  });

  test("lets connections work until their turn to close", async () => {
    const served = await serve();
    const browser = await signIn(served);
    await browser.webSocket("/ws");
    const last = await browser.webSocket("/ws");
    const closing = served.wsSessions.close({ drainMs: 20_000 });
    await ask(last, "set", { visits: 1 });
    expect(await ask(last, "save")).toEqual({ name: "Ada", visits: 1 });
    last.close();
    await closing;
  });

  test("closes connections with 4501 if their session ends before their turn", async () => {
    const served = await serve();
    const browser = await signIn(served);
    await served.browser().webSocket("/ws");
    const last = await browser.webSocket("/ws");
    const closing = served.wsSessions.close({ drainMs: 60_000 });
    await browser.post("/destroy");
    expect(await closed(last)).toEqual({ code: 4501, reason: "session_ended" });
    await closing;
  });

  test("cuts off clients that do not answer, and resolves", async () => {
    const served = await serve();
    const socket = await rawSocket(served.port);
    socket.write(handshake());
    await eventually(() => expect(served.opened).toHaveLength(1));
    await served.wsSessions.close();
    expect(served.wsSessions.connections.size).toBe(0);
  });

  test("refuses handshakes that are under way", async () => {
    let allow: (answer: boolean) => void = () => {};
    let isAsked = false;
    const served = await serve({
      webSocket: {
        path: "/ws",
        authorize: () => {
          isAsked = true;
          return new Promise<boolean>((resolve) => {
            allow = resolve;
          });
        },
      },
    });
    const under = served.browser().webSocket("/ws");
    under.catch(() => {});
    await eventually(() => expect(isAsked).toBe(true));
    await served.wsSessions.close();
    allow(true);
    await expect(under).rejects.toMatchObject({ statusCode: 503 });
    expect(served.opened).toEqual([]);
  });

  test("resolves at once without connections, and when it is called again", async () => {
    const served = await serve();
    await served.wsSessions.close({ drainMs: 60_000 });
    await served.wsSessions.close();
  });
});

describe("maxConnectionsPerSession", () => {
  test("refuses a further handshake of a session with 429 until a connection has closed", async () => {
    const served = await serve({ webSocket: { path: "/ws", maxConnectionsPerSession: 2 } });
    const browser = await signIn(served);
    const first = await browser.webSocket("/ws");
    const second = await browser.webSocket("/ws");
    const refused = answerIn(await rawRequest(served.port, handshake("/ws", cookieOf(browser))));
    expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "60", connection: "close" } });
    expect((await (await signIn(served)).webSocket("/ws")).readyState).toBe(1);
    first.close();
    await closed(first);
    await eventually(() => browser.webSocket("/ws"));
    expect(second.readyState).toBe(second.OPEN);
    expect(served.errors).toEqual([]);
  });

  test("also holds for handshakes at the same time", async () => {
    const served = await serve({ webSocket: { path: "/ws", maxConnectionsPerSession: 3 } });
    const browser = await signIn(served);
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => browser.webSocket("/ws")));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(served.wsSessions.connections.size).toBe(3);
  });
});
