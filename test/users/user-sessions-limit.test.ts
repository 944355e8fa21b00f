import { type Browser, closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { byOwner, gate, indexed, me, places, serve, sidOf, signIn } from "./support.ts";

afterEach(() => jest.restoreAllMocks());

describe.each(places)("maxSessionsPerUser on $place", ({ open }) => {
  /** Logs in with times that differ, so that it is known which login is the oldest. */
  async function oneAfterTheOther(count: number, login: () => Promise<Browser>): Promise<Browser[]> {
    const browsers: Browser[] = [];
    for (let n = 0; n < count; n++) {
      const before = Date.now();
      await eventually(() => expect(Date.now()).toBeGreaterThan(before));
      browsers.push(await login());
    }
    return browsers;
  }

  test("ends the oldest login, with its connections, before the new one is answered", async () => {
    const backend = await open();
    const served = await serve({ backend, users: { maxSessionsPerUser: 2 } });
    const other = await signIn(served, "grace");
    const [oldest, middle] = await oneAfterTheOther(2, () => signIn(served));
    if (!oldest || !middle) throw new Error("unreachable");
    const [goes, stays] = [await oldest.webSocket("/ws"), await middle.webSocket("/ws")];
    // The session that was used last is not the latest login.
    await oldest.post("/set", { json: { color: "red" } });
    const [latest] = await oneAfterTheOther(1, () => signIn(served));
    expect(await me(oldest)).toEqual({});
    expect(await closed(goes)).toEqual({ code: 4501, reason: "session_ended" });
    for (const browser of [middle, latest as Browser])
      expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
    expect(stays.readyState).toBe(stays.OPEN);
    expect(await indexed(backend, "ada")).toEqual([sidOf(middle), sidOf(latest as Browser)].sort());
    expect(await me(other)).toMatchObject({ login: { userId: "grace" } });
    expect(served.errors).toEqual([]);
  });

  test("of one leaves the latest login only", async () => {
    const backend = await open();
    const served = await serve({ backend, users: { maxSessionsPerUser: 1 } });
    const browsers = await oneAfterTheOther(3, () => signIn(served));
    expect(await indexed(backend, "ada")).toEqual([sidOf(browsers[2] as Browser)]);
  });

  test("ends all sessions above a limit that was lowered", async () => {
    const backend = await open();
    const before = await serve({ backend });
    await oneAfterTheOther(4, () => signIn(before));
    const served = await serve({ backend, users: { maxSessionsPerUser: 2 } });
    const [latest] = await oneAfterTheOther(1, () => signIn(served));
    expect(await indexed(backend, "ada")).toHaveLength(2);
    expect(await me(latest as Browser)).toMatchObject({ login: { userId: "ada" } });
  });

  test("does not count a login twice that continues under a new id", async () => {
    const backend = await open();
    const served = await serve({ backend, users: { maxSessionsPerUser: 2 } });
    const [first, second] = await oneAfterTheOther(2, () => signIn(served));
    await second?.post("/login", { json: { user: "ada" } });
    expect(await me(first as Browser)).toMatchObject({ login: { userId: "ada" } });
    expect(await indexed(backend, "ada")).toHaveLength(2);
  });

  test("holds for code that only sets a field", async () => {
    const backend = await open();
    const served = await serve({
      backend,
      session: { userId: byOwner },
      users: { maxSessionsPerUser: 1 },
    });
    const browsers = await oneAfterTheOther(2, async () => {
      const browser = served.browser();
      await browser.post("/set", { json: { owner: "ada" } });
      return browser;
    });
    expect(await me(browsers[0] as Browser)).toEqual({});
    expect(await indexed(backend, "ada")).toEqual([sidOf(browsers[1] as Browser)]);
  });

  test("that cannot be enforced emits an `error` event, and the login succeeds", async () => {
    const backend = await open();
    const served = await serve({ backend, users: { maxSessionsPerUser: 1 } });
    backend.sessionIndex.entries = () => Promise.reject(new Error("no"));
    const browser = await signIn(served);
    expect(await me(browser)).toMatchObject({ login: { userId: "ada" } });
    expect(served.errors).toMatchObject([{ code: "ERR_STORE_UNAVAILABLE" }]);
  });

  test("leaves one of two logins at the same time", async () => {
    const backend = await open();
    const served = await serve({ backend, users: { maxSessionsPerUser: 1 } });
    // Each login sees both, and both choose the same one to end.
    const bothAreIn = gate();
    const entries = backend.sessionIndex.entries.bind(backend.sessionIndex);
    backend.sessionIndex.entries = async (userId) => {
      if ((await entries(userId)).length === 2) bothAreIn.open();
      await bothAreIn.opened;
      return entries(userId);
    };
    await expectLiving(await Promise.all([signIn(served), signIn(served)]), 1);
  });

  test("leaves one of two logins in the same millisecond, when the first did not see the second", async () => {
    const served = await serve({ backend: await open(), users: { maxSessionsPerUser: 1 } });
    jest.spyOn(Date, "now").mockReturnValue(Date.now());
    // In either order of their ids.
    for (let n = 0; n < 8; n++)
      await expectLiving([await signIn(served, `user ${n}`), await signIn(served, `user ${n}`)], 1);
  });

  test("accepts a login whose clock is behind the clock of the login before", async () => {
    const served = await serve({ backend: await open(), users: { maxSessionsPerUser: 2 } });
    const now = Date.now();
    const clock = jest.spyOn(Date, "now").mockReturnValue(now);
    const before = await signIn(served);
    clock.mockReturnValue(now + 10);
    const last = await signIn(served);
    clock.mockReturnValue(now - 60_000);
    const behind = await signIn(served);
    expect(await me(before)).toEqual({});
    await expectLiving([last, behind], 2);
  });
});

async function expectLiving(browsers: Browser[], count: number): Promise<void> {
  const found = await Promise.all(browsers.map((browser) => me(browser)));
  expect(found.filter(({ login }) => login !== undefined)).toHaveLength(count);
}
