import { closed, messages } from "../support/browser.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { backends, startExample } from "./example-process.ts";
import { type Answer, COUNT, PASSWORDS, request, runExample, state, Visitor, welcome } from "./visitors.ts";

describe.each(backends)("the example on $name", ({ env }) => {
  const visitor = runExample(env);

  test("serves the page and its files without a session", async () => {
    const browser = visitor();
    for (const [path, type] of [
      ["/", "text/html"],
      ["/page.js", "text/javascript"],
      ["/package/client.js", "text/javascript"],
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

  test("the page names the demo users with their passwords", async () => {
    const { body } = await visitor().get("/");
    for (const [user, password] of Object.entries(PASSWORDS)) {
      expect(body).toContain(`<code>${user}</code>`);
      expect(body).toContain(`<code>${password}</code>`);
    }
  });

  test("lets a visitor in who has not signed in, without a cookie and without counting", async () => {
    const browser = visitor();
    const { ws, shown } = await browser.openTab();
    expect(shown).toMatchObject({
      user: null,
      name: null,
      firstVisit: null,
      httpCount: 0,
      webSocketCount: 0,
    });
    ws.send(COUNT);
    expect(await messages(ws).nextJson()).toEqual({
      status: "error",
      error: { code: "not_signed_in", message: "Sign in first." },
    });
    expect((await browser.post("/api/count")).status).toBe(401);
    expect((await browser.post("/api/sign-out")).status).toBe(204);
    expect(browser.cookies.size).toBe(0);
    ws.close();
  });

  test("both counters are one session, live in each tab, and there after a reload", async () => {
    const browser = visitor();
    await browser.signIn();
    const { ws: first } = await browser.openTab();
    const { ws: second } = await browser.openTab();

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
    expect(await browser.session()).toMatchObject(expected);
    const { ws: reloaded, shown } = await browser.openTab();
    expect(shown).toMatchObject(expected);
    reloaded.close();
  });

  test("counting over both at the same time loses nothing", async () => {
    const browser = visitor();
    await browser.signIn();
    const { ws } = await browser.openTab();
    for (let round = 0; round < 20; round++) {
      ws.send(COUNT);
      await browser.post("/api/count");
    }
    for (;;) {
      const { webSocketCount } = (await state(ws)) as { webSocketCount: number };
      if (webSocketCount === 20) break;
    }
    expect(await browser.session()).toMatchObject({ httpCount: 20, webSocketCount: 20 });
    ws.close();
  });

  test("bad messages are answered, and the connection lives on", async () => {
    const browser = visitor();
    await browser.signIn();
    const { ws } = await browser.openTab();
    const bad = ["{", "[]", '{"event_type":"nothing"}', '{"event_type":"typing","data":{"room":"none"}}'];
    for (const message of bad) ws.send(message);
    const codes: unknown[] = [];
    while (codes.length < bad.length) {
      const { error } = (await messages(ws).nextJson()) as Partial<Answer>;
      if (error) codes.push(error.code);
    }
    expect(codes).toEqual(["bad_json", "bad_message", "unknown_event", "invalid_data"]);
    ws.send(COUNT);
    expect(await state(ws)).toMatchObject({ webSocketCount: 1 });
    ws.close();
  });

  test("a 101 response has one Set-Cookie line per cookie for a session saved in authorize", async () => {
    const lines = await handshake(visitor().baseUrl, "/ws?remember=1");
    expect(lines[0]).toBe("HTTP/1.1 101 Switching Protocols");
    expect(lines.filter((line) => /^set-cookie:/i.test(line)).sort()).toEqual([
      expect.stringMatching(/^Set-Cookie: connect\.sid=s%3A[^;,]+; Path=\/; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/^Set-Cookie: last_visit=[^;,]+; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  test("a 101 response has no Set-Cookie line for a session that was not saved", async () => {
    const lines = await handshake(visitor().baseUrl, "/ws");
    expect(lines[0]).toBe("HTTP/1.1 101 Switching Protocols");
    expect(lines.filter((line) => /set-cookie/i.test(line))).toEqual([]);
  });

  test("a session that began with a handshake goes on over HTTP and through signing in", async () => {
    const browser = visitor();
    const ws = await browser.webSocket("/ws?remember=1");
    const { firstVisit } = (await welcome(ws)) as { firstVisit: string };
    expect(Date.parse(firstVisit)).toBeGreaterThan(0);
    expect(await browser.session()).toMatchObject({ name: null, firstVisit });
    const again = await browser.webSocket("/ws?remember=1");
    expect(await welcome(again)).toMatchObject({ firstVisit });

    await browser.signIn();
    for (const open of [ws, again]) {
      expect(await closed(open)).toEqual({ code: 4009, reason: "session_replaced" });
    }
    expect(await browser.session()).toMatchObject({ name: "Ada", firstVisit });
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s ends it cleanly, and its connections first",
    async (signal) => {
      const ending = await startExample(env());
      const browser = visitor({ url: ending.url });
      await browser.signIn();
      const { ws } = await browser.openTab();
      const ended = ending.stop(signal);
      expect(await closed(ws)).toEqual({ code: 1012, reason: "service_restart" });
      expect(await ended).toEqual({ code: 0, signal: null });
    },
  );
});

test("with REDIS_URL the example keeps sessions, passwords and messages over a restart", async () => {
  const env = backends.find(({ name }) => name === "Redis")?.env();
  const before = await startExample(env);
  const browser = new Visitor(before.url);
  await browser.signIn();
  await browser.post("/api/count");
  await browser.changePassword(PASSWORDS.ada, "difference engine");
  const { ws } = await browser.openTab();
  await request(ws, "message.send", { room: "lobby", text: "Still there?", key: "1" });
  ws.close();
  browser.close();
  await before.stop();

  const after = await startExample(env);
  const returning = new Visitor(after.url);
  for (const [name, value] of browser.cookies) returning.cookies.set(name, value);
  expect(await returning.session()).toMatchObject({ name: "Ada", httpCount: 1 });
  expect(await returning.devices()).toMatchObject([{ isThis: true, connections: 0 }]);
  expect((await returning.trySignIn("ada", PASSWORDS.ada)).status).toBe(401);
  const { ws: reopened } = await returning.openTab();
  const { data } = await request(reopened, "room.open", { room: "lobby" });
  expect(data).toMatchObject({ messages: [{ name: "Ada", text: "Still there?" }] });
  returning.close();
  await after.stop();
}, 30_000);

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
