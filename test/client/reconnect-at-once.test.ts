import { closeCodes } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { signIn } from "../websocket/support.ts";
import { BrowserLikeSocket } from "./browser-like-socket.ts";
import { openPage } from "./browser-page.ts";
import { afterThisTest, connectClient, serveBehindRelay, serveChat, webSocketOf } from "./support.ts";

/** Longer than any test runs. */
const LONG = { minReconnectDelayMs: 60_000, maxReconnectDelayMs: 60_000 };

describe("reconnect()", () => {
  test("of an open client closes the connection first, and connects with the current cookies", async () => {
    const chat = await serveChat();
    const browser = await signIn(chat);
    const { client, states, until } = connectClient({
      url: chat.wsUrl,
      WebSocket: webSocketOf(browser),
      ...LONG,
    });
    await until("open");
    browser.cookies.clear();
    client.reconnect();
    expect(client.state).toBe("connecting");
    await until("open", 1);
    expect(states.map(([state]) => state)).toEqual(["open", "connecting", "open"]);
    await eventually(() => expect(chat.connections).toHaveLength(1));
    expect(chat.connections[0]?.req.session).not.toHaveProperty("name");
    expect(chat.wsSessions.stats().closes).toEqual({ 1000: 1 });
  });

  test("keeps waiting messages, and rejects requests that were sent", async () => {
    const { chat, line } = await serveBehindRelay();
    const { client, until } = connectClient({ url: line.url, ...LONG });
    await until("open");
    const sent = client.request("never");
    client.reconnect();
    await expect(sent).rejects.toMatchObject({ code: "closed" });
    client.send("number", { n: 1 });
    expect(await client.request("number", { n: 2 })).toEqual({ n: 2 });
    expect(chat.numbers).toEqual([1, 2]);
  });

  test("of a connecting client drops the current attempt, because its cookies are older", async () => {
    const { line, chat } = await serveBehindRelay();
    const { client, states, until } = connectClient({ url: line.url, ...LONG });
    client.send("number", { n: 1 });
    client.reconnect();
    await until("open");
    expect(states.map(([state]) => state)).toEqual(["connecting", "open"]);
    await eventually(() => expect(chat.numbers).toEqual([1]));
    await eventually(() => expect(chat.connections).toHaveLength(1));
  });

  test.each([1006, 1013, closeCodes.rate_limited])(
    "ends a wait after %i, and the next wait is as short as the first",
    async (code) => {
      const random = jest.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
      afterThisTest(() => random.mockRestore());
      const { line, chat } = await serveBehindRelay();
      const { client, states, until } = connectClient({
        url: line.url,
        minReconnectDelayMs: 10_000,
        maxReconnectDelayMs: 1_000_000,
      });
      await until("open");
      await eventually(() => expect(chat.connections).toHaveLength(1));
      if (code === 1006) line.cut();
      else chat.connections[0]?.close(code, "");
      await until("waiting");
      client.reconnect();
      await until("open", states.length);
      const before = states.length;
      line.cut();
      expect(await until("waiting", before)).toMatchObject({ retryInMs: 20_000 });
    },
  );

  test.each([closeCodes.session_ended, closeCodes.forbidden, undefined])(
    "restarts a client that ended with %p, with its own listeners and those on the page",
    async (code) => {
      const page = openPage();
      const { line, chat } = await serveBehindRelay();
      const { client, states, until } = connectClient({ url: line.url, ...LONG });
      const heard: unknown[] = [];
      client.on("news", (data) => heard.push(data));
      await until("open");
      await eventually(() => expect(chat.connections).toHaveLength(1));
      if (code === undefined) client.close();
      else chat.connections[0]?.close(code, "why");
      await until("ended");
      expect(() => client.send("number", { n: 1 })).toThrow(expect.objectContaining({ code: "closed" }));
      expect(page.count).toBe(0);
      client.reconnect();
      client.send("number", { n: 2 });
      await until(
        "open",
        states.findIndex(([state]) => state === "ended"),
      );
      expect(page.count).toBe(4);
      await eventually(() => expect(chat.numbers).toEqual([2]));
      chat.connections[0]?.send("news", { n: 3 });
      await eventually(() => expect(heard).toEqual([{ n: 3 }]));
      client.close();
      expect(page.count).toBe(0);
      expect(states.map(([state]) => state)).toEqual(["open", "ended", "connecting", "open", "ended"]);
    },
  );

  test("counts once when it is called several times in a row, also in a listener", async () => {
    const { line, chat } = await serveBehindRelay();
    const { client, states, until } = connectClient({ url: line.url, ...LONG });
    await until("open");
    client.onState((state) => state === "connecting" && client.reconnect());
    const login = Promise.resolve();
    await Promise.all([
      login.then(() => client.reconnect()),
      login.then(() => client.reconnect()),
      login.then().then(() => client.reconnect()),
    ]);
    await until("open", 1);
    expect(states.map(([state]) => state)).toEqual(["open", "connecting", "open"]);
    expect(line.count).toBe(2);
    await eventually(() => expect(chat.connections).toHaveLength(1));
  });

  test("reconnects again when it is called later, because the cookies may have changed", async () => {
    const { line } = await serveBehindRelay();
    const { client, states, until } = connectClient({ url: line.url, ...LONG });
    await until("open");
    for (const count of [2, 3]) {
      const before = states.length;
      client.reconnect();
      await until("open", before);
      expect(line.count).toBe(count);
    }
  });

  test("on a dead line does not wait for the close", async () => {
    const { line } = await serveBehindRelay();
    const { client, until } = connectClient({ url: line.url, WebSocket: BrowserLikeSocket, ...LONG });
    await until("open");
    line.freeze();
    client.reconnect();
    await until("open", 1);
  });

  test("without a server waits as usual, and a later close leaves nothing behind", async () => {
    const { line } = await serveBehindRelay();
    line.target = undefined;
    const { client, states, until } = connectClient({ url: line.url, ...LONG });
    await until("waiting");
    client.reconnect();
    expect(await until("waiting", 1)).toMatchObject({ code: 1006, retryInMs: 60_000 });
    client.reconnect();
    client.close();
    expect(states.at(-1)).toEqual(["ended", { code: 1000, reason: "" }]);
    const attempts = line.count;
    client.reconnect();
    client.close();
    await new Promise(setImmediate);
    expect(line.count).toBeLessThanOrEqual(attempts + 1);
    expect(client.state).toBe("ended");
  });
});

test("a client that a logout has ended belongs to the user again after the next login", async () => {
  const chat = await serveChat();
  const browser = await signIn(chat);
  const { client, states, until } = connectClient({ url: chat.wsUrl, WebSocket: webSocketOf(browser) });
  await until("open");
  await browser.post("/destroy");
  await until("ended");
  await browser.post("/session", { json: { name: "Grace" } });
  client.reconnect();
  await until("open", states.length);
  await eventually(() => expect(chat.connections[0]?.req.session).toMatchObject({ name: "Grace" }));
});
