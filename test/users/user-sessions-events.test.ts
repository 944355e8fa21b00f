import type { UserEvent } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { byOwner, me, places, serve, sidOf, signIn } from "./support.ts";

describe.each(places)("user events on $place", ({ open }) => {
  test("name the user, the session and the request of a login", async () => {
    const served = await serve({ backend: await open() });
    const heard: (UserEvent & { path: string })[] = [];
    served.users.on("user_logged_in", (event) => heard.push({ ...event, path: event.req.path }));
    const browser = await signIn(served);
    expect(heard).toEqual([expect.objectContaining({ userId: "ada", sid: sidOf(browser), path: "/login" })]);
  });

  test("come once per login, and not again when the session is saved later", async () => {
    const served = await serve({ backend: await open(), session: { saveEveryRequest: true } });
    const browser = await signIn(served);
    for (const color of ["red", "green"]) await browser.post("/set", { json: { color } });
    await me(browser);
    const ws = await browser.webSocket("/ws");
    await served.opened[0]?.req.session.save();
    ws.terminate();
    expect(served.events).toEqual(["user_logged_in ada"]);
  });

  test("come for code that only sets a field: login, another user, logout", async () => {
    const served = await serve({ backend: await open(), session: { userId: byOwner } });
    const browser = served.browser();
    for (const owner of ["ada", "ada", "grace", null]) await browser.post("/set", { json: { owner } });
    expect(served.events).toEqual([
      "user_logged_in ada",
      "user_logged_out ada",
      "user_logged_in grace",
      "user_logged_out grace",
    ]);
  });

  test("come once when two requests set the same user at the same time", async () => {
    const served = await serve({ backend: await open(), session: { userId: byOwner } });
    const browser = served.browser();
    await browser.post("/set", { json: { color: "red" } });
    const login = () => browser.post("/set", { json: { owner: "ada" } });
    await Promise.all([login(), login(), login()]);
    expect(served.events).toEqual(["user_logged_in ada"]);
  });

  test("come when a request destroys or regenerates a session, and only if the session has a user", async () => {
    const served = await serve({ backend: await open() });
    await (await signIn(served, "ada")).post("/regenerate");
    await (await signIn(served, "grace")).post("/logout");
    const nobody = served.browser();
    await nobody.post("/set", { json: { color: "red" } });
    await nobody.post("/logout");
    expect(served.events).toEqual([
      "user_logged_in ada",
      "user_logged_out ada",
      "user_logged_in grace",
      "user_logged_out grace",
    ]);
  });

  test("do not come for a login that could not be saved", async () => {
    const backend = await open();
    const served = await serve({ backend });
    const { sessions } = backend;
    sessions.write = () => Promise.reject(new Error("no"));
    const { status } = await served.browser().post("/login", { json: { user: "ada" } });
    expect(status).toBe(503);
    expect(served.events).toEqual([]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("in a listener");
      },
    ],
    ["rejects", () => Promise.reject(new Error("in a listener"))],
  ])("a listener that %s is an `error` event and stops nothing", async (_how, listener) => {
    const served = await serve({ backend: await open() });
    const after: string[] = [];
    served.users
      .on("user_logged_in", listener)
      .on("user_logged_out", listener)
      .on("user_logged_in", ({ userId }) => after.push(userId));
    const browser = await signIn(served);
    expect(after).toEqual(["ada"]);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
    expect((await browser.post("/logout")).status).toBe(204);
    await eventually(() =>
      expect(served.errors.map(({ message }) => message)).toEqual(["in a listener", "in a listener"]),
    );
  });

  test("a listener that never ends delays no request", async () => {
    const served = await serve({ backend: await open() });
    served.users.on("user_logged_in", () => new Promise(() => {}));
    await signIn(served);
  });

  test("do not reach a listener after off", async () => {
    const served = await serve({ backend: await open() });
    const heard: string[] = [];
    const listener = ({ userId }: UserEvent) => heard.push(userId);
    served.users.on("user_logged_in", listener);
    await signIn(served, "ada");
    served.users.off("user_logged_in", listener);
    await signIn(served, "grace");
    expect(heard).toEqual(["ada"]);
  });
});
