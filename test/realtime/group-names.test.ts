import { connect, places, serve, signIn, until } from "./support.ts";

const names = [
  "a",
  "a:b",
  "a:b:members",
  "b",
  "{x}",
  "*",
  "?[a-z]",
  " ",
  "\n",
  "a\nb",
  "\u0000",
  "🙂",
  "ü",
  "u\u0308",
  "__proto__",
  "constructor",
  "toString",
  "user:ada",
  "group:a",
  "nodes",
  "undefined",
  "long".repeat(64),
  "🙂".repeat(128),
];

/** Once, the length of a name was limited only by the message size or the app's memory. */
const tooLong = ["x".repeat(257), "🙂".repeat(129), "x".repeat(10_000_000)];
const long = tooLong.map((name) => ({ name, length: name.length }));

const wrong: unknown[] = ["", undefined, null, 1, {}, ["a"], "\ud800", "a\udc00b"];

describe.each(places)("on $place", ({ open }) => {
  test("groups may have names with any characters, and are told apart", async () => {
    const served = await serve({ backend: await open() });
    const { chat } = served;
    const { ws, line } = await connect(served, "ada");
    const joined = names.filter((_, at) => at % 2 === 0);
    await Promise.all(joined.map((name) => chat.join("ada", name)));
    expect([...line.groups].sort()).toEqual([...joined].sort());
    expect((await chat.groupsOf("ada")).sort()).toEqual([...joined].sort());
    for (const name of names) {
      expect(await chat.members(name)).toEqual(joined.includes(name) ? ["ada"] : []);
      await chat.group(name).send("news", { name });
    }
    await chat.user("ada").send("last");
    expect((await until(ws, "last")).map(({ data }) => (data as { name: string }).name)).toEqual(joined);
    for (const name of joined) await chat.leave("ada", name);
    expect(await chat.groupsOf("ada")).toEqual([]);
  });

  test("users may have ids with any characters, and are told apart", async () => {
    const served = await serve({ backend: await open() });
    const { chat } = served;
    const lines = await Promise.all(
      ["ada", "ada:groups", "*", "__proto__", "{ada}", "🙂", "a\nb"].map(async (user) => {
        const browser = served.browser();
        await browser.post("/login", { json: { user } });
        return { user, ws: await browser.webSocket("/ws") };
      }),
    );
    for (const { user } of lines) await chat.join(user, `of ${user}`);
    for (const { user } of lines) {
      expect(await chat.groupsOf(user)).toEqual([`of ${user}`]);
      expect(await chat.presence(`of ${user}`)).toEqual([user]);
      expect(await chat.activeSessions(user)).toHaveLength(1);
      await chat.group(`of ${user}`).send("group", { user });
      await chat.user(user).send("user", { user });
    }
    for (const { user, ws } of lines) {
      await chat.user(user).send("last");
      expect(await until(ws, "last")).toEqual([
        { event_type: "group", data: { user } },
        { event_type: "user", data: { user } },
      ]);
    }
  });

  test.each(long)(
    "a name of $length UTF-16 code units is a TypeError, and changes nothing",
    async ({ name }) => {
      const backend = await open();
      const asked: string[] = [];
      const authorizeGroup = (_userId: string | undefined, group: string) => asked.push(group) > 0;
      const served = await serve({ backend, realtime: { authorizeGroup } });
      const { chat } = served;
      const { line } = await connect(served, "ada");
      const anonymous = await connect(served);
      for (const promise of [
        ...[
          chat.join("ada", name),
          chat.members(name),
          chat.presence(name),
          line.join(name),
          line.leave(name),
        ],
        ...[anonymous.line.join(name), anonymous.line.leave(name)],
        ...[chat.join(name, "g"), chat.leave(name, "g"), chat.groupsOf(name), chat.activeSessions(name)],
        ...[chat.user("ada").send(name), served.users.listUserSessions(name)],
        served.users.deleteUserSessions(name),
      ]) {
        await expect(promise).rejects.toThrow(/1 to 256 characters/);
      }
      expect(() => chat.group(name)).toThrow(/1 to 256 characters/);
      expect(() => chat.user(name)).toThrow(/1 to 256 characters/);
      expect(() => line.send(name)).toThrow(/1 to 256 characters/);
      expect(() => chat.on(name, () => {})).toThrow(TypeError);
      expect(await backend.memberships.groupsOf("ada")).toEqual([]);
      expect(await chat.members("g")).toEqual([]);
      expect([asked, line.groups.size, anonymous.line.groups.size]).toEqual([[], 0, 0]);
    },
  );

  test("a stored group with a longer name is not restored, and can be left", async () => {
    const backend = await open();
    const asked: string[] = [];
    const authorizeGroup = (_userId: string | undefined, group: string) => asked.push(group) > 0;
    const served = await serve({ backend, realtime: { authorizeGroup } });
    const stored = "x".repeat(65_536);
    for (const group of [stored, "g"]) await backend.memberships.join("ada", group, 10);
    const { line } = await connect(served, "ada");
    expect([...line.groups]).toEqual(["g"]);
    expect(asked).toEqual(["g"]);
    expect((await served.chat.groupsOf("ada")).sort()).toEqual(["g", stored]);
    await served.chat.leave("ada", stored);
    expect(await served.chat.groupsOf("ada")).toEqual(["g"]);
  });

  test("nobody can log in with a longer id", async () => {
    const backend = await open();
    const served = await serve({ backend });
    for (const user of ["x".repeat(257), "🙂".repeat(129)]) {
      const { status } = await served.browser().post("/login", { json: { user } });
      expect(status).toBe(500);
      expect(await backend.sessionIndex.entries(user)).toEqual([]);
    }
    await signIn(served, "🙂".repeat(128));
  });

  test.each(wrong.map((name) => ({ name })))(
    "a group named $name is a TypeError, and changes nothing",
    async ({ name }) => {
      const served = await serve({ backend: await open() });
      const { chat } = served;
      const { line } = await connect(served, "ada");
      const anonymous = await connect(served);
      const group = name as string;
      for (const promise of [
        chat.join("ada", group),
        chat.leave("ada", group),
        chat.members(group),
        chat.presence(group),
        line.join(group),
        line.leave(group),
        anonymous.line.join(group),
        anonymous.line.leave(group),
      ]) {
        await expect(promise).rejects.toThrow(TypeError);
      }
      expect(() => chat.group(group)).toThrow(TypeError);
      expect(await chat.groupsOf("ada")).toEqual([]);
      expect([line.groups.size, anonymous.line.groups.size]).toEqual([0, 0]);
    },
  );

  test.each([...wrong.filter((user) => user !== 1), Number.NaN, true].map((user) => ({ user })))(
    "a user $user is a TypeError",
    async ({ user }) => {
      const { chat } = await serve({ backend: await open() });
      const wrongUser = user as string;
      for (const promise of [
        chat.join(wrongUser, "g"),
        chat.leave(wrongUser, "g"),
        chat.groupsOf(wrongUser),
        chat.activeSessions(wrongUser),
      ]) {
        await expect(promise).rejects.toThrow(TypeError);
      }
      expect(() => chat.user(wrongUser)).toThrow(TypeError);
      expect(await chat.members("g")).toEqual([]);
    },
  );
});
