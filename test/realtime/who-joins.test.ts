import { ask, connect, places, refused, serve, until } from "./support.ts";

/** Messages by which a client might try to join a group without a handler of the app. */
const attempts = [
  "session.join",
  "session.leave",
  "session.subscribe",
  "session.groups",
  "session.positions",
  "session.history",
  "join",
  "subscribe",
];

// That is why `authorizeGroup` is optional: the app's own code makes each join.
test.each(places)(
  "no event of a client joins a group by itself, only handlers of the app do, on $place",
  async ({ open }) => {
    const served = await serve({
      backend: await open(),
      setUp: (chat) => chat.on("enter", (connection, { group }) => connection.join(String(group))),
    });
    const { ws, line } = await connect(served, "ada");
    for (const type of attempts)
      expect(await ask(ws, type, { group: "secret", channel: "group:secret" })).toEqual(
        refused("unknown_event"),
      );
    expect([...line.groups]).toEqual([]);
    expect(await served.chat.members("secret")).toEqual([]);
    await served.chat.group("secret").send("news");
    await served.chat.user("ada").send("end");
    expect(await until(ws, "end")).toEqual([]);
    // A handler may let anybody join.
    expect(await ask(ws, "enter", { group: "secret" })).toMatchObject({ status: "success" });
    expect([...line.groups]).toEqual(["secret"]);
  },
);
