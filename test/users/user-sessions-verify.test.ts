import { createHmac } from "node:crypto";
import type { SessionData } from "express-session";
import type { Backend } from "../../lib/index.ts";
import type { Browser } from "../support/browser.ts";
import {
  afterThisTest,
  indexed,
  me,
  places,
  redisPlace,
  type Served,
  secret,
  serve,
  sidOf,
  signIn,
} from "./support.ts";

const agreed = { orphans: [], dangling: [] };

/** A session that another program has written, as plain connect-redis does, and has touched since. */
function byAnotherProgram(userId: string, savedAt = Date.now()): string {
  const expires = new Date(savedAt + 60_000).toISOString();
  return JSON.stringify({
    cookie: { originalMaxAge: 60_000, expires, httpOnly: true, path: "/" },
    login: { userId, at: savedAt },
  });
}

/** A browser that has the cookie of a session which was not begun here. */
function browserWith(served: Served, sid: string): Browser {
  const browser = served.browser();
  const signature = createHmac("sha256", secret).update(sid).digest("base64").replace(/=+$/, "");
  browser.cookies.set("connect.sid", encodeURIComponent(`s:${sid}.${signature}`));
  return browser;
}

describe.each(places)("verifyUserSessions on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend });
  });

  /** Puts a session into the store behind the stack's back. */
  async function put(sid: string, text: string): Promise<void> {
    const { outcome } = await backend.sessions.write(sid, snapshot(text), undefined);
    expect(outcome).toBe("written");
  }

  function snapshot(json: string): { data: SessionData; json: string } {
    return { data: JSON.parse(json) as SessionData, json };
  }

  test("finds nothing when index and sessions agree, also for a user without sessions", async () => {
    const browsers = [await signIn(served), await signIn(served), await signIn(served, "grace")];
    for (const user of ["ada", "grace", "nobody"]) {
      expect(await served.users.verifyUserSessions(user)).toEqual(agreed);
      expect(await served.users.verifyUserSessions(user, { repair: true })).toEqual(agreed);
    }
    for (const browser of browsers) expect(await me(browser)).toHaveProperty("login");
  });

  test("finds sessions that the index lacks, and after a repair they are listed and can be ended", async () => {
    const known = await signIn(served);
    await put("an-orphan", byAnotherProgram("ada"));
    await put("another-ones", byAnotherProgram("grace"));
    const findings = { orphans: ["an-orphan"], dangling: [] };
    expect(await served.users.verifyUserSessions("ada")).toEqual(findings);
    expect(await indexed(backend, "ada")).toEqual([sidOf(known)]);
    expect(await served.users.verifyUserSessions("ada", { repair: true })).toEqual(findings);
    expect(await indexed(backend, "ada")).toEqual(["an-orphan", sidOf(known)].sort());
    expect(await served.users.verifyUserSessions("ada")).toEqual(agreed);
    expect(await served.users.listUserSessions("ada")).toHaveLength(2);

    const orphan = browserWith(served, "an-orphan");
    expect(await me(orphan)).toMatchObject({ login: { userId: "ada" } });
    expect((await served.users.deleteUserSessions("ada")).sessionsDeleted).toBe(2);
    expect(await me(orphan)).toEqual({});
  });

  test("finds entries whose session is gone or another user's, and a repair removes them", async () => {
    const [living, others] = [await signIn(served), await signIn(served, "grace")];
    await backend.sessionIndex.enter("ada", "gone", 60_000);
    await backend.sessionIndex.enter("ada", sidOf(others), 60_000);
    const { orphans, dangling } = await served.users.verifyUserSessions("ada");
    expect(orphans).toEqual([]);
    expect([...dangling].sort()).toEqual(["gone", sidOf(others)].sort());
    await served.users.verifyUserSessions("ada", { repair: true });
    expect(await indexed(backend, "ada")).toEqual([sidOf(living)]);
    expect(await served.users.verifyUserSessions("ada")).toEqual(agreed);
    for (const browser of [living, others]) expect(await me(browser)).toHaveProperty("login");
  });

  test("repairs both in one call", async () => {
    await put("an-orphan", byAnotherProgram("ada"));
    await backend.sessionIndex.enter("ada", "gone", 60_000);
    await served.users.verifyUserSessions("ada", { repair: true });
    expect(await indexed(backend, "ada")).toEqual(["an-orphan"]);
  });

  test("of a user without an id rejects with a TypeError, as the other functions do", async () => {
    const verify = async () => ({ verifying: served.users.verifyUserSessions({} as never) });
    await expect((await verify()).verifying).rejects.toThrow(TypeError);
  });
});

describe("verifyUserSessions on Redis", () => {
  test("repairs the index after another program's writes and manual deletions", async () => {
    const { backend, client, prefix } = await redisPlace();
    const served = await serve({ backend });
    const deleted = await signIn(served);
    await client.set(`${prefix}sess:an-orphan`, byAnotherProgram("ada"), { EX: 60 });
    await client.del(`${prefix}sess:${sidOf(deleted)}`);
    const findings = { orphans: ["an-orphan"], dangling: [sidOf(deleted)] };
    expect(await served.users.verifyUserSessions("ada", { repair: true })).toEqual(findings);
    expect(await served.users.verifyUserSessions("ada")).toEqual(agreed);
    expect(await served.users.listUserSessions("ada")).toMatchObject([{ sid: "an-orphan" }]);
  });

  // A touch moves the key's expiry and leaves the value, which then says that the session is over.
  test("repairs the entry of a session that only touches have kept alive", async () => {
    const { backend, client, prefix } = await redisPlace();
    const served = await serve({ backend });
    const text = byAnotherProgram("ada", Date.now() - 3_600_000);
    await client.set(`${prefix}sess:an-orphan`, text, { EX: 60 });
    expect(await me(browserWith(served, "an-orphan"))).toMatchObject({ login: { userId: "ada" } });
    await served.users.verifyUserSessions("ada", { repair: true });
    expect(await indexed(backend, "ada")).toEqual(["an-orphan"]);
  });

  test("skips sessions that cannot be read, and leaves them", async () => {
    const { backend, client, prefix } = await redisPlace();
    const served = await serve({ backend });
    await signIn(served);
    await client.set(`${prefix}sess:broken`, "{");
    expect(await served.users.verifyUserSessions("ada", { repair: true })).toEqual(agreed);
    expect(await client.get(`${prefix}sess:broken`)).toBe("{");
    afterThisTest(() => client.del(`${prefix}sess:broken`));
  });
});
