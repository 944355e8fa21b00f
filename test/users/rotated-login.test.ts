import type { Request } from "express";
import { data, gate, indexed, me, places, serve, signIn } from "./support.ts";

// Once, a request that changed its session's id brought back a login that had ended meanwhile.
describe.each(places)("on $place, a login that ends while a request rotates its id", ({ open }) => {
  const WAYS: [
    how: string,
    rotate: (req: Request, logIn: (req: Request, user: string) => Promise<void>) => Promise<unknown>,
  ][] = [
    ["logIn with the user of the session", (req, logIn) => logIn(req, req.session.login?.userId as string)],
    [
      "regenerate, and the login copied",
      async (req) => {
        const { login } = req.session;
        await req.session.regenerate();
        Object.assign(data(req), { login });
        await req.session.save();
      },
    ],
  ];

  test.each(WAYS)("stays ended: %s", async (_how, rotate) => {
    const backend = await open();
    const [arrived, waiting] = [gate(), gate()];
    const served = await serve({
      backend,
      routes: (app, { logIn }) => {
        app.post("/rotate", async (req, res, next) => {
          arrived.open();
          await waiting.opened;
          rotate(req, logIn).then(() => res.sendStatus(204), next);
        });
      },
    });
    const browser = await signIn(served);
    const rotating = browser.post("/rotate");
    await arrived.opened;
    expect(await served.users.deleteUserSessions("ada")).toMatchObject({ sessionsDeleted: 1 });
    waiting.open();
    const { status, ...answer } = await rotating;
    expect([status, (answer.json() as { code: string }).code]).toEqual([401, "ERR_SESSION_DELETED"]);
    expect(await me(browser)).not.toHaveProperty("login");
    expect(await indexed(backend, "ada")).toEqual([]);
  });

  test("does not stop a guest from logging in when the guest's session was ended meanwhile", async () => {
    const [arrived, waiting] = [gate(), gate()];
    const served = await serve({
      backend: await open(),
      routes: (app, { logIn }) => {
        app.post("/slow-login", async (req, res, next) => {
          arrived.open();
          await waiting.opened;
          logIn(req, "ada").then(() => res.sendStatus(204), next);
        });
      },
    });
    const browser = served.browser();
    await browser.post("/set", { json: { cart: ["tea"] } });
    const slow = browser.post("/slow-login");
    await arrived.opened;
    await browser.post("/login", { json: { user: "ada" } });
    waiting.open();
    expect((await slow).status).toBe(204);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
  });
});
