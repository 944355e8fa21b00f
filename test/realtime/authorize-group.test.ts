import type { Backend } from "../../lib/index.ts";
import { ask, connect, places, refused, type Served, serve, until } from "./support.ts";

const forbidden = { code: "ERR_GROUP_FORBIDDEN", status: 403 };

describe.each(places)("authorizeGroup on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;
  let asked: [string | undefined, string][];
  let decide: (userId: string | undefined, group: string) => boolean | Promise<boolean>;

  beforeEach(async () => {
    asked = [];
    decide = () => true;
    backend = await open();
    served = await serve({
      backend,
      realtime: {
        authorizeGroup: (userId, group) => {
          asked.push([userId, group]);
          return decide(userId, group);
        },
      },
      setUp: (chat) => chat.on("join", (connection, { group }) => connection.join(group)),
    });
  });

  test.each<[string, () => boolean | Promise<boolean>]>([
    ["says no", () => false],
    ["says no later", async () => false],
    ["says nothing", () => undefined as never],
  ])("that %s refuses the user, and changes nothing", async (_how, answer) => {
    const { ws, line } = await connect(served, "ada");
    await served.chat.join("ada", "kept");
    decide = answer;
    await expect(served.chat.join("ada", "g")).rejects.toMatchObject(forbidden);
    await expect(line.join("g")).rejects.toMatchObject(forbidden);
    expect(await ask(ws, "join", { group: "g" })).toEqual(refused("handler_failed"));
    expect(served.failures.splice(0)).toMatchObject([{ error: forbidden, connection: line }]);
    await served.chat.group("g").send("secret");
    await served.chat.group("kept").send("last");
    expect(await until(ws, "last")).toEqual([]);
    expect([...line.groups]).toEqual(["kept"]);
    expect(await served.chat.groupsOf("ada")).toEqual(["kept"]);
    expect(await served.chat.members("g")).toEqual([]);
    expect(asked.slice(1)).toEqual([
      ["ada", "g"],
      ["ada", "g"],
      ["ada", "g"],
    ]);
  });

  test("that throws makes join reject with its error, and changes nothing", async () => {
    const { line } = await connect(served, "ada");
    const trouble = new Error("no answer");
    decide = () => {
      throw trouble;
    };
    await expect(served.chat.join("ada", "g")).rejects.toBe(trouble);
    decide = () => Promise.reject(trouble);
    await expect(line.join("g")).rejects.toBe(trouble);
    expect(await served.chat.groupsOf("ada")).toEqual([]);
    expect(await served.chat.members("g")).toEqual([]);
    expect(line.groups.size).toBe(0);
  });

  test("is not called for a leave", async () => {
    await served.chat.join("ada", "g");
    decide = () => false;
    await served.chat.leave("ada", "g");
    expect(await served.chat.groupsOf("ada")).toEqual([]);
    expect(asked).toEqual([["ada", "g"]]);
  });

  // Once, it was called for all groups at the same time.
  test("is called for 50 groups of a new connection at a time, however many groups its user is in", async () => {
    const groups = Array.from({ length: 300 }, (_, n) => `group ${n}`);
    for (const group of groups) await backend.memberships.join("ada", group, 1_000);
    let [waiting, most] = [0, 0];
    decide = async (_, group) => {
      most = Math.max(most, ++waiting);
      await new Promise((resolve) => setImmediate(resolve));
      waiting--;
      return !group.endsWith("7");
    };
    const { line } = await connect(served, "ada");
    expect([...line.groups].sort()).toEqual(groups.filter((group) => !group.endsWith("7")).sort());
    expect(asked.map(([, group]) => group).sort()).toEqual([...groups].sort());
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(50);
  });

  test("is called again for each new connection, and a refused group is left out for that connection only", async () => {
    for (const group of ["a", "b", "c"]) await served.chat.join("ada", group);
    const before = await connect(served, "ada");
    decide = async (_, group) => group !== "b";
    const after = await connect(served, "ada");
    expect([...before.line.groups].sort()).toEqual(["a", "b", "c"]);
    expect([...after.line.groups].sort()).toEqual(["a", "c"]);
    for (const group of ["a", "b", "c"]) await served.chat.group(group).send(group);
    await served.chat.user("ada").send("last");
    const types = async ({ ws }: typeof before) => (await until(ws, "last")).map((event) => event.event_type);
    expect(await types(before)).toEqual(["a", "b", "c"]);
    expect(await types(after)).toEqual(["a", "c"]);
    expect(await served.chat.members("b")).toEqual(["ada"]);
    expect(served.failures).toEqual([]);
    decide = () => true;
    expect([...(await connect(served, "ada")).line.groups].sort()).toEqual(["a", "b", "c"]);
  });

  test("that throws for a new connection is reported, and only that group is left out", async () => {
    for (const group of ["a", "b", "c"]) await served.chat.join("ada", group);
    decide = (_, group) => {
      if (group === "b") throw new Error("no answer");
      return group !== "c" || Promise.reject(new Error("no answer later"));
    };
    const { line } = await connect(served, "ada");
    expect([...line.groups]).toEqual(["a"]);
    const told = served.failures.splice(0);
    expect(told.map(({ error }) => error.message).sort()).toEqual(["no answer", "no answer later"]);
    for (const { connection } of told) expect(connection).toBe(line);
    expect((await served.chat.groupsOf("ada")).sort()).toEqual(["a", "b", "c"]);
  });
});
