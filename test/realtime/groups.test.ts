import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { ask, connect, next, open, places, type Served, serve, signIn, until } from "./support.ts";

type Line = Awaited<ReturnType<typeof connect>>;
type Browser = Awaited<ReturnType<typeof signIn>>;

/** The names of the events that each connection of a user receives before a last one. */
async function receivedBy(served: Served, userId: string, lines: Line[]): Promise<unknown[][]> {
  await served.chat.user(userId).send("last");
  return Promise.all(
    lines.map(async ({ ws }) => (await until(ws, "last")).map(({ event_type }) => event_type)),
  );
}

const ways: {
  way: string;
  change: (what: "join" | "leave", served: Served, by: Line & { browser: Browser }) => unknown;
}[] = [
  { way: "from anywhere", change: (what, { chat }) => chat[what]("ada", "g") },
  { way: "by a user with an id", change: (what, { chat }) => chat[what]({ id: "ada" }, "g") },
  { way: "on a connection", change: (what, _, { line }) => line[what]("g") },
  { way: "in an HTTP route", change: (what, _, { browser }) => browser.post(`/${what}/g`) },
  { way: "in a handler", change: (what, _, { ws }) => ask(ws, what, { group: "g" }) },
];

describe.each(places)("groups on $place", ({ open: openPlace }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await openPlace();
    served = await serve({
      backend,
      realtime: { maxMessagesPerSecond: 10_000, graceMs: 0 },
      routes: (app, chat) => {
        for (const what of ["join", "leave"] as const) {
          app.post(`/${what}/:group`, (req, res, done) => {
            chat[what](req.session.login?.userId ?? "", String(req.params.group)).then(() => res.end(), done);
          });
        }
      },
      setUp: (chat) => {
        for (const what of ["join", "leave"] as const)
          chat.on(what, (connection, { group }) => connection[what](group));
      },
    });
  });

  test.each(ways)("are joined and left $way for all devices of the user together", async ({ change }) => {
    const browser = await signIn(served, "ada");
    const devices: [Line, Line] = [await open(served, browser), await connect(served, "ada")];
    const other = await connect(served, "grace");
    const by = { ...devices[0], browser };
    await served.chat.group("g").send("early");
    await change("join", served, by);
    for (const { line } of devices) expect([...line.groups]).toEqual(["g"]);
    await served.chat.group("g").send("news");
    expect(await receivedBy(served, "ada", devices)).toEqual([["news"], ["news"]]);
    expect(await served.chat.members("g")).toEqual(["ada"]);

    await change("leave", served, by);
    for (const { line } of devices) expect([...line.groups]).toEqual([]);
    await served.chat.group("g").send("late");
    expect(await receivedBy(served, "ada", devices)).toEqual([[], []]);
    expect(await receivedBy(served, "grace", [other])).toEqual([[]]);
    expect(await served.chat.members("g")).toEqual([]);
    expect(await served.chat.groupsOf("ada")).toEqual([]);
  });

  test("deliver each message once to each connection, in order, however many groups its user is in", async () => {
    const devices = [await connect(served, "ada"), await connect(served, "ada")];
    const names = Array.from({ length: 50 }, (_, at) => `g${at}`);
    for (const group of names) await served.chat.join("ada", group);
    for (const group of names) await served.chat.join("ada", group);
    await Promise.all(names.map((group) => served.chat.group(group).send(`to ${group}`)));
    for (const received of await receivedBy(served, "ada", devices)) {
      expect(received).toHaveLength(50);
      expect([...received].sort()).toEqual(names.map((group) => `to ${group}`).sort());
    }
    for (let at = 0; at < 100; at++) await served.chat.group("g0").send(`${at}`);
    const inOrder = Array.from({ length: 100 }, (_, at) => `${at}`);
    expect(await receivedBy(served, "ada", devices)).toEqual([inOrder, inOrder]);
  });

  test("deliver to all connections but the excepted one, and to the other devices of its user", async () => {
    const [phone, laptop, other] = [
      await connect(served, "ada"),
      await connect(served, "ada"),
      await connect(served, "grace"),
    ];
    for (const user of ["ada", "grace"]) await served.chat.join(user, "g");
    await served.chat.group("g").except(phone.line).send("news");
    await served.chat
      .group("g")
      .except({ id: "nobody" } as never)
      .send("to all");
    expect(await receivedBy(served, "ada", [phone, laptop])).toEqual([["to all"], ["news", "to all"]]);
    expect(await receivedBy(served, "grace", [other])).toEqual([["news", "to all"]]);
  });

  test("are not needed to send to all devices of a user", async () => {
    const devices = [await connect(served, 7), await connect(served, { id: "7" })];
    const other = await connect(served, "77");
    await served.chat.user(7).send("a", { n: 1 });
    await served.chat.user("7").send("b");
    await served.chat.user({ id: 7 }).send("c");
    await served.chat.user("nobody").send("d");
    for (const { ws } of devices) {
      expect(await next(ws)).toEqual({ event_type: "a", data: { n: 1 } });
      expect(await next(ws)).toEqual({ event_type: "b", data: {} });
      expect(await next(ws)).toEqual({ event_type: "c", data: {} });
    }
    expect(await receivedBy(served, "77", [other])).toEqual([[]]);
  });

  test("list their members, connected or not, and their presence, each user once", async () => {
    const { chat } = served;
    const devices = [
      await connect(served, "ada"),
      await connect(served, "ada"),
      await connect(served, "grace"),
    ];
    for (const user of ["ada", "grace", "away"]) await chat.join(user, "g");
    await chat.join("ada", "other");
    expect((await chat.members("g")).sort()).toEqual(["ada", "away", "grace"]);
    expect((await chat.presence("g")).sort()).toEqual(["ada", "grace"]);
    expect((await chat.groupsOf("ada")).sort()).toEqual(["g", "other"]);
    expect([await chat.members("none"), await chat.presence("none"), await chat.groupsOf("none")]).toEqual([
      [],
      [],
      [],
    ]);
    devices[0]?.ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    expect((await chat.presence("g")).sort()).toEqual(["ada", "grace"]);
    devices[1]?.ws.terminate();
    await eventually(async () => expect(await chat.presence("g")).toEqual(["grace"]));
    expect((await chat.members("g")).sort()).toEqual(["ada", "away", "grace"]);
  });

  test("are restored before the connect event on any device, also those joined while the user was away", async () => {
    await served.chat.join("ada", "joined away");
    await served.chat.join("ada", "left away");
    const { ws } = await connect(served, "ada");
    await served.chat.join("ada", "joined here");
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    await served.chat.leave("ada", "left away");
    let seen: string[] | undefined;
    served.chat.on("connect", async (connection) => {
      seen = [...connection.groups].sort();
      await served.chat.group("joined away").send("welcome");
    });
    const again = await (await signIn(served, "ada")).webSocket("/ws");
    expect(await next(again)).toEqual({ event_type: "welcome", data: {} });
    expect(seen).toEqual(["joined away", "joined here"]);
  });
});
