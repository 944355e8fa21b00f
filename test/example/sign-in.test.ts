import { closed, UpgradeRefusedError } from "../support/browser.ts";
import { backends, startExample } from "./example-process.ts";
import { count, NOT_SIGNED_IN, PASSWORDS, runExample, SESSION_ENDED, Visitor } from "./visitors.ts";

const ADA = { user: "ada", password: PASSWORDS.ada };

describe.each(backends)("signing in to the example on $name", ({ env }) => {
  const visitor = runExample(env);

  test("with the right password gives the session a new id and its user", async () => {
    const browser = visitor();
    await browser.signIn("ada");
    expect(await browser.account()).toMatchObject({ user: "ada", httpCount: 0, webSocketCount: 0 });
    const before = browser.cookies.get("connect.sid");
    await browser.signIn("grace");
    expect(browser.cookies.get("connect.sid")).not.toBe(before);
    expect(await browser.account()).toMatchObject({ user: "grace" });
  });

  test("accepts a user name with surrounding spaces and in capitals, and only the exact password", async () => {
    expect((await visitor().trySignIn(" Ada ", PASSWORDS.ada)).status).toBe(204);
    expect((await visitor().trySignIn("ada", ` ${PASSWORDS.ada}`)).status).toBe(401);
    expect((await visitor().trySignIn("ada", PASSWORDS.ada.toUpperCase())).status).toBe(401);
  });

  test.each([
    ["a wrong password", "ada", "wrong password"],
    ["another user's password", "ada", PASSWORDS.grace],
    ["a user that there is not", "nobody", PASSWORDS.ada],
    ["a name that objects have", "__proto__", PASSWORDS.ada],
  ])("with %s is refused, always with the same message", async (_, user, password) => {
    const browser = visitor();
    const response = await browser.trySignIn(user, password);
    expect(response.status).toBe(401);
    expect(response.json()).toEqual({ error: "The user name or the password is wrong." });
    expect(browser.cookies.size).toBe(0);
  });

  test("with a wrong password keeps the signed-in user signed in", async () => {
    const browser = visitor();
    await browser.signIn("ada");
    expect((await browser.trySignIn("grace", "wrong password")).status).toBe(401);
    expect(await browser.account()).toMatchObject({ user: "ada" });
  });

  test.each([
    ["nothing", "{}"],
    ["a blank name", JSON.stringify({ ...ADA, user: " " })],
    ["no password", JSON.stringify({ user: "ada" })],
    ["an empty password", JSON.stringify({ ...ADA, password: "" })],
    ["a password that is too long", JSON.stringify({ ...ADA, password: "x".repeat(73) })],
    ["a name that is no text", JSON.stringify({ ...ADA, user: ["ada"] })],
    ["a password that is no text", JSON.stringify({ ...ADA, password: { length: 9 } })],
    ["no object", "[]"],
    ["no JSON", "{"],
  ])("with %s is refused with a reason", async (_, body) => {
    const browser = visitor();
    const response = await browser.post("/api/sign-in", {
      body,
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(400);
    expect(response.json()).toEqual({ error: expect.any(String) });
    expect(browser.cookies.size).toBe(0);
  });

  test("with too large a body is refused", async () => {
    expect((await visitor().trySignIn("x".repeat(5000), PASSWORDS.ada)).status).toBe(413);
  });

  test.each([
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 204],
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{}, 204],
  ])("with %j is answered with %i", async (headers, status) => {
    const response = await visitor().post("/api/sign-in", { json: ADA, headers });
    expect(response.status).toBe(status);
  });

  test("accepts a POST of its own origin, and refuses a handshake of another origin", async () => {
    const browser = visitor();
    const response = await browser.post("/api/sign-in", { json: ADA, headers: { origin: browser.baseUrl } });
    expect(response.status).toBe(204);
    const refused = browser.webSocket("/ws", { origin: "https://evil.example" });
    await expect(refused).rejects.toThrow(UpgradeRefusedError);
  });

  test("again closes the connections of the former session with 4009", async () => {
    const browser = visitor();
    await browser.signIn("ada");
    const ws = await browser.openTab();
    await browser.signIn("grace");
    expect(await closed(ws)).toEqual({ code: 4009, reason: "session_replaced" });
    const reopened = await browser.openTab();
    expect(await browser.account()).toMatchObject({ user: "grace" });
    reopened.close();
  });

  test("and out closes the connections of every tab with 4501, and no others", async () => {
    const browser = visitor();
    await browser.signIn("ada");
    const tabs = [await browser.openTab(), await browser.openTab()];
    const other = visitor();
    await other.signIn("grace");
    const others = await other.openTab();

    expect((await browser.post("/api/sign-out")).status).toBe(204);
    for (const ws of tabs) expect(await closed(ws)).toEqual(SESSION_ENDED);
    expect(await browser.account()).toMatchObject({ user: null });
    expect(await closed(await browser.webSocket("/ws"))).toEqual(NOT_SIGNED_IN);

    await count(others);
    expect(await other.account()).toMatchObject({ user: "grace", webSocketCount: 1 });
    others.close();
  });
});

test("is refused after too many wrong passwords of one address, and a right one does not count", async () => {
  const example = await startExample({ WRONG_PASSWORDS_PER_MINUTE: "3" });
  const browser = new Visitor(example.url);
  for (let times = 0; times < 5; times++) await browser.signIn("ada");
  const statuses: number[] = [];
  for (let times = 0; times < 4; times++) {
    statuses.push((await browser.trySignIn(times % 2 ? " ADA" : "ada", "wrong password")).status);
  }
  expect(statuses).toEqual([401, 401, 401, 429]);
  // Both share one count, so a user with a session cannot guess by changing the password.
  expect((await browser.changePassword("wrong password", "difference engine")).status).toBe(429);
  const refused = await browser.trySignIn("ada", PASSWORDS.ada);
  expect([refused.status, refused.json()]).toEqual([429, { error: expect.any(String) }]);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  browser.close();
  await example.stop();
});
