import type { WebSocket } from "ws";
import { Browser, closed, messages, UpgradeRefusedError } from "../support/browser.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { type ExampleProcess, startExample } from "./example-process.ts";

const COUNT = JSON.stringify({ event_type: "count.add", data: {} });

const backends = [
  { name: "memory", env: () => ({}) },
  { name: "Redis", env: () => ({ REDIS_URL: process.env.REDIS_URL }) },
];

describe.each(backends)("the example on $name", ({ env }) => {
  let example: ExampleProcess;
  let browsers: Browser[] = [];

  beforeAll(async () => {
    example = await startExample(env());
  }, 30_000);

  afterEach(() => {
    for (const browser of browsers) browser.close();
    browsers = [];
  });

  afterAll(async () => {
    await example?.stop();
  });

  function visitor(url = example.url): Browser {
    const browser = new Browser(url);
    browsers.push(browser);
    return browser;
  }

  async function signIn(browser: Browser, name = "Ada"): Promise<void> {
    const response = await browser.post("/api/sign-in", { json: { name } });
    expect(response.status).toBe(200);
  }

  /** Opens the page's WebSocket, as one more tab of the browser, and gives what it shows first. */
  async function openTab(browser: Browser): Promise<{ ws: WebSocket; shown: unknown }> {
    const ws = await browser.webSocket("/ws");
    return { ws, shown: await state(ws) };
  }

  async function state(ws: WebSocket): Promise<unknown> {
    const { event_type, data } = (await messages(ws).nextJson()) as { event_type: string; data: unknown };
    expect(event_type).toBe("session.state");
    return data;
  }

  async function session(browser: Browser): Promise<unknown> {
    return (await browser.get("/api/session")).json();
  }

  test("serves the page and its files without a session", async () => {
    const browser = visitor();
    for (const [path, type] of [
      ["/", "text/html"],
      ["/page.js", "text/javascript"],
      ["/style.css", "text/css"],
      ["/icon.svg", "image/svg+xml"],
    ] as const) {
      const response = await browser.get(path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers["content-type"]).toContain(type);
      expect(response.headers["content-security-policy"]).toContain("default-src 'self'");
      expect(response.setCookies).toEqual([]);
    }
  });

  test("lets a visitor in who has not signed in, without a cookie and without counting", async () => {
    const browser = visitor();
    const { ws, shown } = await openTab(browser);
    expect(shown).toEqual({ name: null, firstVisit: null, httpCount: 0, webSocketCount: 0 });
    ws.send(COUNT);
    expect(await messages(ws).nextJson()).toEqual({
      event_type: "error",
      data: { message: "Sign in first." },
    });
    expect((await browser.post("/api/count")).status).toBe(401);
    expect((await browser.post("/api/sign-out")).status).toBe(204);
    expect(browser.cookies.size).toBe(0);
    ws.close();
  });

  test("signing in trims the name and gives the session a new id", async () => {
    const browser = visitor();
    await signIn(browser, "  Ada ");
    expect(await session(browser)).toMatchObject({ name: "Ada", httpCount: 0, webSocketCount: 0 });
    const before = browser.cookies.get("connect.sid");
    await signIn(browser, "Grace");
    expect(browser.cookies.get("connect.sid")).not.toBe(before);
    expect(await session(browser)).toMatchObject({ name: "Grace" });
  });

  test.each([
    ["no name", "{}"],
    ["a blank one", '{"name":" "}'],
    ["one too long", JSON.stringify({ name: "x".repeat(41) })],
    ["one that is no text", '{"name":["Ada"]}'],
    ["no object", "[]"],
    ["no JSON", "{"],
  ])("signing in with %s is refused with a reason", async (_, body) => {
    const browser = visitor();
    const response = await browser.post("/api/sign-in", {
      body,
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(400);
    expect(response.json()).toEqual({ error: expect.any(String) });
    expect(browser.cookies.size).toBe(0);
  });

  test("refuses a body that is too large", async () => {
    const response = await visitor().post("/api/sign-in", { json: { name: "x".repeat(5000) } });
    expect(response.status).toBe(413);
  });

  test.each([
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{}, 200],
  ])("a POST with %j is answered with %i", async (headers, status) => {
    const response = await visitor().post("/api/sign-in", { json: { name: "Ada" }, headers });
    expect(response.status).toBe(status);
  });

  test("a POST of its own origin is let in, and a handshake of another is not", async () => {
    const browser = visitor();
    const response = await browser.post("/api/sign-in", {
      json: { name: "Ada" },
      headers: { origin: example.url },
    });
    expect(response.status).toBe(200);
    const refused = browser.webSocket("/ws", { origin: "https://evil.example" });
    await expect(refused).rejects.toThrow(UpgradeRefusedError);
  });

  test("both counters are one session, live in each tab, and there after a reload", async () => {
    const browser = visitor();
    await signIn(browser);
    const { ws: first } = await openTab(browser);
    const { ws: second } = await openTab(browser);

    expect((await browser.post("/api/count")).json()).toMatchObject({ httpCount: 1, webSocketCount: 0 });
    for (const ws of [first, second]) {
      expect(await state(ws)).toMatchObject({ httpCount: 1, webSocketCount: 0 });
    }
    first.send(COUNT);
    first.send(COUNT);
    for (const ws of [first, second]) {
      expect(await state(ws)).toMatchObject({ httpCount: 1, webSocketCount: 1 });
      expect(await state(ws)).toMatchObject({ httpCount: 1, webSocketCount: 2 });
    }
    second.send(COUNT);
    expect(await state(first)).toMatchObject({ webSocketCount: 3 });

    for (const ws of [first, second]) ws.close();
    const expected = { name: "Ada", httpCount: 1, webSocketCount: 3 };
    expect(await session(browser)).toMatchObject(expected);
    const { ws: reloaded, shown } = await openTab(browser);
    expect(shown).toMatchObject(expected);
    reloaded.close();
  });

  test("counting over both at the same time loses nothing", async () => {
    const browser = visitor();
    await signIn(browser);
    const { ws } = await openTab(browser);
    for (let round = 0; round < 20; round++) {
      ws.send(COUNT);
      await browser.post("/api/count");
    }
    for (;;) {
      const { webSocketCount } = (await state(ws)) as { webSocketCount: number };
      if (webSocketCount === 20) break;
    }
    expect(await session(browser)).toMatchObject({ httpCount: 20, webSocketCount: 20 });
    ws.close();
  });

  test("bad messages are answered, and the connection lives on", async () => {
    const browser = visitor();
    await signIn(browser);
    const { ws } = await openTab(browser);
    for (const bad of ["", "{", "null", "[]", '{"event_type":"nothing"}', Buffer.from([0xff, 0x00])]) {
      ws.send(bad);
      expect(await messages(ws).nextJson()).toEqual({
        event_type: "error",
        data: { message: "Unknown event." },
      });
    }
    ws.send(COUNT);
    expect(await state(ws)).toMatchObject({ webSocketCount: 1 });
    ws.close();
  });

  test("signing out closes the connections of every tab with 4501, and nobody else's", async () => {
    const browser = visitor();
    await signIn(browser);
    const tabs = [await openTab(browser), await openTab(browser)];
    const other = visitor();
    await signIn(other, "Grace");
    const { ws: others } = await openTab(other);

    expect((await browser.post("/api/sign-out")).status).toBe(204);
    for (const { ws } of tabs) expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    expect(await session(browser)).toMatchObject({ name: null });
    const { ws: again, shown } = await openTab(browser);
    expect(shown).toMatchObject({ name: null, webSocketCount: 0 });

    others.send(COUNT);
    expect(await state(others)).toMatchObject({ name: "Grace", webSocketCount: 1 });
    for (const ws of [again, others]) ws.close();
  });

  test("signing in anew closes the connections of the former session with 4009", async () => {
    const browser = visitor();
    await signIn(browser);
    const { ws } = await openTab(browser);
    await signIn(browser, "Grace");
    expect(await closed(ws)).toEqual({ code: 4009, reason: "session_replaced" });
    const { ws: reopened, shown } = await openTab(browser);
    expect(shown).toMatchObject({ name: "Grace" });
    reopened.close();
  });

  test("a 101 response has one Set-Cookie line per cookie for a session saved in authorize", async () => {
    const lines = await handshake(example.url, "/ws?remember=1");
    expect(lines[0]).toBe("HTTP/1.1 101 Switching Protocols");
    expect(lines.filter((line) => /^set-cookie:/i.test(line)).sort()).toEqual([
      expect.stringMatching(/^Set-Cookie: connect\.sid=s%3A[^;,]+; Path=\/; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/^Set-Cookie: last_visit=[^;,]+; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  test("a 101 response has no Set-Cookie line for a session that was not saved", async () => {
    const lines = await handshake(example.url, "/ws");
    expect(lines[0]).toBe("HTTP/1.1 101 Switching Protocols");
    expect(lines.filter((line) => /set-cookie/i.test(line))).toEqual([]);
  });

  test("a session that began with a handshake goes on over HTTP and through signing in", async () => {
    const browser = visitor();
    const ws = await browser.webSocket("/ws?remember=1");
    const { firstVisit } = (await state(ws)) as { firstVisit: string };
    expect(Date.parse(firstVisit)).toBeGreaterThan(0);
    expect(await session(browser)).toMatchObject({ name: null, firstVisit });
    const again = await browser.webSocket("/ws?remember=1");
    expect(await state(again)).toMatchObject({ firstVisit });

    await signIn(browser);
    for (const open of [ws, again]) {
      expect(await closed(open)).toEqual({ code: 4009, reason: "session_replaced" });
    }
    expect(await session(browser)).toMatchObject({ name: "Ada", firstVisit });
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s ends it cleanly, and its connections first",
    async (signal) => {
      const ending = await startExample(env());
      const browser = visitor(ending.url);
      await signIn(browser);
      const { ws } = await openTab(browser);
      const ended = ending.stop(signal);
      expect(await closed(ws)).toEqual({ code: 1012, reason: "service_restart" });
      expect(await ended).toEqual({ code: 0, signal: null });
    },
  );
});

test("the example keeps sessions over a restart with REDIS_URL and SESSION_SECRET", async () => {
  const env = { REDIS_URL: process.env.REDIS_URL, SESSION_SECRET: "a secret of this test" };
  const before = await startExample(env);
  const browser = new Browser(before.url);
  await browser.post("/api/sign-in", { json: { name: "Ada" } });
  await browser.post("/api/count");
  browser.close();
  await before.stop();

  const after = await startExample(env);
  const returning = new Browser(after.url);
  for (const [name, value] of browser.cookies) returning.cookies.set(name, value);
  expect((await returning.get("/api/session")).json()).toMatchObject({ name: "Ada", httpCount: 1 });
  returning.close();
  await after.stop();
});

/** The lines of the head of the answer, as they came. */
async function handshake(url: string, path: string): Promise<string[]> {
  const { host, port } = new URL(url);
  const request = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "",
    "",
  ];
  const answer = await rawRequest(Number(port), request.join("\r\n"), { until: "\r\n\r\n" });
  return (answer.split("\r\n\r\n", 1)[0] as string).split("\r\n");
}
