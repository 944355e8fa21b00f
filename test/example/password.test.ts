import { backends } from "./example-process.ts";
import { count, PASSWORDS, runExample } from "./visitors.ts";

const NEXT = "difference engine";

describe.each(backends)("changing the password in the example on $name", ({ env }) => {
  const visitor = runExample(env);

  test("ends every other session, over HTTP and WebSocket, and the old password", async () => {
    const [here, there] = [visitor(), visitor()];
    await here.signIn("ada");
    await there.signIn("ada");
    const open = await here.openTab();
    const ended = await there.openTab();

    const response = await here.changePassword(PASSWORDS.ada, NEXT);
    expect([response.status, response.json()]).toMatchObject([200, { sessionsDeleted: 1 }]);
    await there.expectSignedOut(ended);
    await count(open);
    expect(await here.account()).toMatchObject({ user: "ada", webSocketCount: 1 });
    expect(await here.devices()).toMatchObject([{ current: true }]);

    expect((await there.trySignIn("ada", PASSWORDS.ada)).status).toBe(401);
    await there.signIn("ada", NEXT);
    expect((await here.changePassword(NEXT, PASSWORDS.ada)).status).toBe(200);
    open.close();
  });

  test("leaves nobody signed in who signs in with the old password at the same time", async () => {
    const here = visitor();
    await here.signIn("ada");
    let [current, next] = [PASSWORDS.ada as string, NEXT];
    for (let round = 0; round < 4; round++) {
      const others = Array.from({ length: 4 }, () => visitor());
      const [change] = await Promise.all([
        here.changePassword(current, next),
        ...others.map((other) => other.trySignIn("ada", current)),
      ]);
      expect(change.status).toBe(200);
      for (const other of others) expect(await other.account()).toMatchObject({ user: null });
      expect(await here.devices()).toHaveLength(1);
      [current, next] = [next, current];
    }
  }, 30_000);

  test("makes one of two changes at the same time", async () => {
    const here = visitor();
    await here.signIn("grace");
    const changes = [NEXT, `${NEXT} 2`].map((next) => here.changePassword(PASSWORDS.grace, next));
    const statuses = (await Promise.all(changes)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 403]);
    const made = await Promise.all([NEXT, `${NEXT} 2`].map((next) => visitor().trySignIn("grace", next)));
    expect(made.map(({ status }) => status).sort()).toEqual([204, 401]);
  });

  test("with a wrong current password changes nothing and ends nothing", async () => {
    const [here, there] = [visitor(), visitor()];
    await here.signIn("ada");
    await there.signIn("ada");
    expect((await here.changePassword("wrong password", NEXT)).status).toBe(403);
    expect(await there.account()).toMatchObject({ user: "ada" });
    await visitor().signIn("ada");
  });

  test.each([
    ["without a new one", { current: PASSWORDS.ada }],
    ["without the current one", { next: NEXT }],
    ["to one that is too short", { current: PASSWORDS.ada, next: "1234567" }],
    ["to one that is too long", { current: PASSWORDS.ada, next: "é".repeat(37) }],
    ["to one that is no text", { current: PASSWORDS.ada, next: ["a", "b", "c", "d", "e", "f", "g", "h"] }],
  ])("%s is refused with a reason", async (_, json) => {
    const here = visitor();
    await here.signIn("ada");
    const response = await here.post("/api/password", { json });
    expect([response.status, response.json()]).toEqual([400, { error: expect.any(String) }]);
  });

  test("is refused from another site and without a sign-in", async () => {
    const here = visitor();
    const json = { current: PASSWORDS.ada, next: NEXT };
    expect((await here.post("/api/password", { json })).status).toBe(401);
    await here.signIn("ada");
    const foreign = await here.post("/api/password", { json, headers: { "sec-fetch-site": "cross-site" } });
    expect(foreign.status).toBe(403);
  });
});
