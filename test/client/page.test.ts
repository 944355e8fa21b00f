import { eventually } from "../support/eventually.ts";
import { openPage } from "./browser-page.ts";
import { relay } from "./relay.ts";
import { afterThisTest, connectClient, serveBehindRelay, serveChat } from "./support.ts";

/** Longer than any test runs. */
const LONG = { minReconnectDelayMs: 60_000, maxReconnectDelayMs: 60_000 };

describe("a client that waits", () => {
  test.each(["visibilitychange", "pageshow", "online"])("reconnects at once on %s", async (event) => {
    const page = openPage();
    const { line } = await serveBehindRelay();
    const { until, states } = connectClient({ url: line.url, ...LONG });
    await until("open");
    line.cut();
    await until("waiting");
    page.visibilityState = "hidden";
    page.emit("visibilitychange");
    expect(states.at(-1)?.[0]).toBe("waiting");
    page.visibilityState = "visible";
    page.emit(event);
    expect(states.at(-1)?.[0]).toBe("connecting");
    await until("open", 1);
  });

  test("keeps waiting on these events when the server has asked it to wait", async () => {
    const page = openPage();
    const { wsUrl, connections } = await serveChat();
    const { until, states } = connectClient({ url: wsUrl, ...LONG });
    await until("open");
    await eventually(() => expect(connections).toHaveLength(1));
    connections[0]?.close(1013, "try_again_later");
    await until("waiting");
    for (const event of ["visibilitychange", "pageshow", "online"]) page.emit(event);
    expect(states.at(-1)?.[0]).toBe("waiting");
  });

  test("makes attempts with the longest wait while there is no network, and at once when there is one", async () => {
    const page = openPage();
    // Otherwise the wait could be the longest one by chance.
    const random = jest.spyOn(Math, "random").mockReturnValue(0.5);
    afterThisTest(() => random.mockRestore());
    const { chat, line } = await serveBehindRelay();
    line.target = undefined;
    const { until, states } = connectClient({
      url: line.url,
      minReconnectDelayMs: 30_000,
      maxReconnectDelayMs: 60_000,
    });
    expect((await until("waiting")).retryInMs).toBeLessThan(60_000);
    page.onLine = false;
    page.emit("offline");
    expect(states.at(-1)).toEqual(["waiting", { code: 1006, reason: "", retryInMs: 60_000 }]);
    line.target = chat.port;
    page.onLine = true;
    page.emit("online");
    await until("open");
  });

  test("waits for the longest time when the line breaks without a network", async () => {
    const page = openPage();
    const { line } = await serveBehindRelay();
    const { until } = connectClient({ url: line.url, maxReconnectDelayMs: 60_000 });
    await until("open");
    page.onLine = false;
    line.cut();
    expect((await until("waiting")).retryInMs).toBe(60_000);
  });
});

test.each(["visibilitychange", "pageshow", "online", "offline"])(
  "a line that died meanwhile is detected on %s",
  async (event) => {
    const page = openPage();
    const { line } = await serveBehindRelay();
    const { until, states } = connectClient({
      url: line.url,
      heartbeatIntervalMs: 60_000,
      requestTimeoutMs: 100,
    });
    await until("open");
    line.freeze();
    page.emit(event);
    expect(states).toHaveLength(1);
    expect(await until("waiting")).toMatchObject({ reason: "no_answer" });
    await until("open", 1);
  },
);

test("page events during an attempt to connect change nothing", async () => {
  const page = openPage();
  const { line } = await serveBehindRelay();
  const { until, states } = connectClient({ url: line.url });
  for (const event of ["visibilitychange", "pageshow", "online", "offline"]) page.emit(event);
  await until("open");
  expect(states).toHaveLength(1);
  expect(line.count).toBe(1);
});

test("a client that has ended has no listeners on the page", async () => {
  const page = openPage();
  const closed = connectClient({ url: (await relay()).url });
  expect(page.count).toBe(4);
  closed.client.close();
  expect(page.count).toBe(0);
});
