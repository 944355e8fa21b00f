import { closed } from "../support/browser.ts";
import { handshakeStatus, indexed, me, places, redisPlace, serve, sidOf, signIn } from "./support.ts";

/** Ids that are easily taken for something else, or for one another. */
const ids = [
  "a",
  "a:sessions",
  "a:sessions:sessions",
  ":a",
  "user:a",
  "A",
  " a",
  "a ",
  ":",
  "::",
  "{a}",
  "{}",
  "{",
  "}a{",
  "*",
  "a*",
  "a?[b]",
  "\\",
  '"',
  "'",
  "\n",
  "a\r\nb",
  "\0",
  "a\0b",
  "%41",
  "é",
  "e\u0301",
  "Ω≈ç√",
  "👩‍👩‍👧",
  "\u202e",
  "x".repeat(200),
  `${"x".repeat(199)}y`,
  "ü".repeat(200),
  "ü".repeat(256),
  "👩".repeat(128),
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "undefined",
  "null",
  "false",
  "0",
  "-0",
  "01",
  "1e3",
  "1000",
  "../../etc/passwd",
  "a,b",
  "a@example.com",
];

describe.each(places)("user ids with any characters, on $place", ({ open }) => {
  test("work from login to end, and no id is mistaken for another", async () => {
    const backend = await open();
    const served = await serve({ backend });
    const browsers = new Map<string, Awaited<ReturnType<typeof signIn>>>();
    for (const id of ids) browsers.set(id, await signIn(served, id));
    expect(browsers.size).toBe(ids.length);

    for (const [id, browser] of browsers) {
      expect(await me(browser)).toMatchObject({ login: { userId: id } });
      expect(await indexed(backend, id)).toEqual([sidOf(browser)]);
      expect(await served.users.listUserSessions(id)).toMatchObject([{ sid: sidOf(browser) }]);
    }

    const left = [...browsers];
    for (const [id, browser] of browsers) {
      const ws = await browser.webSocket("/ws");
      const other = left[1]?.[1];
      if (other) expect(await served.users.deleteUserSession(id, sidOf(other))).toBe(false);
      expect(await served.users.deleteUserSessions(id)).toEqual({
        sessionsDeleted: 1,
        connectionsClosed: 1,
        silentNodes: [],
      });
      expect((await closed(ws)).code).toBe(4501);
      expect(await me(browser)).toEqual({});
      left.shift();
      for (const [otherId, stays] of [left[0], left.at(-1)].flatMap((found) => (found ? [found] : [])))
        expect(await indexed(backend, otherId)).toEqual([sidOf(stays)]);
      expect(await handshakeStatus(browser)).toBe(101);
    }
    expect(served.errors).toEqual([]);
  });

  // What is no text cannot be a key: Redis would hold one and the same for both.
  test("are text: two ids with different halves of a character do not collide", async () => {
    const backend = await open();
    const served = await serve({ backend });
    const [first, second] = ["\ud800", "\ud801"];
    const browser = served.browser();
    const { status } = await browser.post("/login", { json: { user: first } });
    // Refused, or kept apart.
    await served.users.deleteUserSessions(second).catch((error) => expect(error).toBeInstanceOf(TypeError));
    if (status === 200) expect(await me(browser)).toMatchObject({ login: { userId: first } });
  });
});

test("keys of users stand under the prefix, and under no other prefix", async () => {
  const [one, other] = [await redisPlace(), await redisPlace()];
  const [served, elsewhere] = [
    await serve({ backend: one.backend }),
    await serve({ backend: other.backend }),
  ];
  const [browser, stays] = [await signIn(served), await signIn(elsewhere)];
  expect((await one.keys()).sort()).toEqual([`sess:${sidOf(browser)}`, "session-stack:user:ada:sessions"]);
  await served.users.deleteUserSessions("ada");
  expect(await me(stays)).toMatchObject({ login: { userId: "ada" } });
});
