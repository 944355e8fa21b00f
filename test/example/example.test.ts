import { closed, messages } from "../support/browser.ts";
import { backends, startExample } from "./example-process.ts";
import {
  type Answer,
  count,
  event,
  NOT_SIGNED_IN,
  PASSWORDS,
  request,
  runExample,
  Visitor,
} from "./visitors.ts";

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

  test("shows a visitor who has not signed in as such, without a cookie and without counting", async () => {
    const browser = visitor();
    const ws = await browser.webSocket("/ws");
    ws.send(JSON.stringify({ event_type: "count.add" }));
    expect(await closed(ws)).toEqual(NOT_SIGNED_IN);
    expect(await browser.account()).toEqual({ user: null, httpCount: 0, webSocketCount: 0, devices: [] });
    expect((await browser.post("/api/count")).status).toBe(401);
    expect((await browser.post("/api/sign-out")).status).toBe(204);
    // The only cookie is the one that identifies a guest's connections.
    expect([...browser.cookies.keys()].filter((name) => !name.includes(".guest."))).toEqual([]);
  });

  test("both counters are in one session, live in each tab, and survive a reload", async () => {
    const browser = visitor();
    await browser.signIn();
    const first = await browser.openTab();
    const second = await browser.openTab();
    await event(first, "account.changed");

    expect((await browser.post("/api/count")).status).toBe(204);
    for (const ws of [first, second]) await event(ws, "account.changed");
    expect(await browser.account()).toMatchObject({ httpCount: 1, webSocketCount: 0 });
    await count(first);
    await event(second, "account.changed");
    expect(await browser.account()).toMatchObject({ httpCount: 1, webSocketCount: 1 });
    await count(second);
    for (const ws of [first, second]) ws.close();
    const reloaded = await browser.openTab();
    expect(await browser.account()).toMatchObject({ user: "ada", httpCount: 1, webSocketCount: 2 });
    reloaded.close();
  });

  test("counting over HTTP and WebSocket at the same time loses nothing", async () => {
    const browser = visitor();
    await browser.signIn();
    const ws = await browser.openTab();
    for (let round = 0; round < 20; round++) {
      await Promise.all([count(ws), browser.post("/api/count")]);
    }
    expect(await browser.account()).toMatchObject({ httpCount: 20, webSocketCount: 20 });
    ws.close();
  });

  test("invalid messages are answered, and the connection stays open", async () => {
    const browser = visitor();
    await browser.signIn();
    const ws = await browser.openTab();
    const bad = ["{", "[]", '{"event_type":"nothing"}', '{"event_type":"typing","data":{"room":"none"}}'];
    for (const message of bad) ws.send(message);
    const codes: unknown[] = [];
    while (codes.length < bad.length) {
      const { error } = (await messages(ws).nextJson()) as Partial<Answer>;
      if (error) codes.push(error.code);
    }
    expect(codes).toEqual(["bad_json", "bad_message", "unknown_event", "invalid_data"]);
    await count(ws);
    ws.close();
  });

  test("reports figures of its connections to Prometheus", async () => {
    const browser = visitor();
    await browser.signIn();
    const ws = await browser.openTab();
    const { status, headers, body } = await browser.get("/metrics");
    expect([status, headers["content-type"]]).toEqual([200, expect.stringContaining("text/plain")]);
    expect(body).toMatch(/^express_session_stack_connections [1-9]/m);
    expect(body).toMatch(/^express_session_stack_messages_out_total [1-9]/m);
    ws.close();
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s ends it cleanly, after its connections", async (signal) => {
    const ending = await startExample(env());
    const browser = visitor({ url: ending.url });
    await browser.signIn();
    const ws = await browser.openTab();
    const ended = ending.stop(signal);
    expect(await closed(ws)).toEqual({ code: 1012, reason: "service_restart" });
    expect(await ended).toEqual({ code: 0, signal: null });
  });
});

test("with REDIS_URL the example keeps sessions, passwords and messages over a restart", async () => {
  const env = backends.find(({ name }) => name === "Redis")?.env();
  const before = await startExample(env);
  const browser = new Visitor(before.url);
  await browser.signIn();
  await browser.post("/api/count");
  await browser.changePassword(PASSWORDS.ada, "difference engine");
  const ws = await browser.openTab();
  await request(ws, "room.join", { room: "lobby" });
  await request(ws, "message.send", { room: "lobby", text: "Still there?", key: "1" });
  ws.close();
  browser.close();
  await before.stop();

  const after = await startExample(env);
  const returning = new Visitor(after.url);
  for (const [name, value] of browser.cookies) returning.cookies.set(name, value);
  expect(await returning.account()).toMatchObject({ user: "ada", httpCount: 1 });
  expect(await returning.devices()).toMatchObject([{ current: true, connections: 0 }]);
  expect((await returning.trySignIn("ada", PASSWORDS.ada)).status).toBe(401);
  const { data } = await request(await returning.openTab(), "room.join", { room: "lobby" });
  expect(data).toMatchObject({ messages: [{ from: "ada", text: "Still there?" }] });
  returning.close();
  await after.stop();
}, 30_000);
