import { realtime, webSocketSessions } from "../../lib/index.ts";
import { ask, connect, places, serve, until } from "./support.ts";

describe("misuse", () => {
  test.each<[string, (chat: ReturnType<typeof realtime>) => unknown, RegExp]>([
    ["a second handler", (chat) => chat.on("a", () => 1).on("a", () => 2), /"a" already has a handler/],
    ["a name of realtime", (chat) => chat.on("session.heartbeat", () => {}), /session\./],
    ["a name like those of realtime", (chat) => chat.on("session.x", () => {}), /session\./],
    ["a name that is no text", (chat) => chat.on(5 as never, () => {}), /name of an event/],
    ["an empty name", (chat) => chat.on("", () => {}), /""/],
    ["no function", (chat) => chat.on("a", "b" as never), /on\("a"\) takes a function/],
    ["nothing", (chat) => chat.on("a", undefined as never), /on\("a"\) takes a function/],
    [
      "no function for connect",
      (chat) => chat.on("connect", {} as never),
      /on\("connect"\) takes a function/,
    ],
    ["no function after a schema", (chat) => chat.on("a", {} as never, {} as never), /takes a function/],
    ["group before attach", (chat) => chat.group("a"), /attach/],
    ["user before attach", (chat) => chat.user("a"), /attach/],
  ])("of on and send throws a TypeError at once: %s", (_what, use, message) => {
    expect(() => use(realtime())).toThrow(TypeError);
    expect(() => use(realtime())).toThrow(message);
  });

  test.each<[string, (chat: ReturnType<typeof realtime>) => Promise<unknown>]>([
    ["join", (chat) => chat.join("ada", "a")],
    ["leave", (chat) => chat.leave("ada", "a")],
    ["groupsOf", (chat) => chat.groupsOf("ada")],
    ["members", (chat) => chat.members("a")],
    ["presence", (chat) => chat.presence("a")],
    ["activeSessions", (chat) => chat.activeSessions("ada")],
  ])("of %s before attach rejects with a TypeError that names it", async (_what, use) => {
    const promise = use(realtime());
    await expect(promise).rejects.toThrow(TypeError);
    await expect(promise).rejects.toThrow(/attach/);
  });

  test.each(["get", "set", "delete", "refresh"])("a connectionStore without %s is a TypeError", (missing) => {
    const none = async () => undefined;
    const store = { get: none, set: none, delete: none, refresh: none, [missing]: undefined };
    expect(() => realtime({ connectionStore: store as never })).toThrow(/option "connectionStore"/);
  });

  test("of attach is a TypeError, and the earlier attachment stays", async () => {
    const served = await serve();
    expect(() => served.wsSessions.attach(realtime())).toThrow(TypeError);
    expect(() => webSocketSessions(served.stack).attach(served.chat)).toThrow(/attached already/);
    expect(() => served.wsSessions.attach({} as never)).toThrow(/what realtime\(\) returns/);
    expect(() => served.wsSessions.attach(undefined as never)).toThrow(/what realtime\(\) returns/);
    expect(await ask((await connect(served, "ada")).ws, "echo")).toMatchObject({ status: "success" });
  });

  test("of send throws, and nothing is sent", async () => {
    const served = await serve();
    const { ws, line } = await connect(served, "ada");
    for (const data of [null, [], "text", 1, { big: 1n }] as never[]) {
      expect(() => line.send("news", data)).toThrow(TypeError);
      await expect(served.chat.user("ada").send("news", data)).rejects.toThrow(TypeError);
    }
    for (const type of ["", undefined, 1] as never[]) expect(() => line.send(type)).toThrow(TypeError);
    line.send("last");
    expect(await until(ws, "last")).toEqual([]);
  });

  test.each(places)("of connection.store is a TypeError, on $place", async ({ open }) => {
    const { line } = await connect(await serve({ backend: await open() }), "ada");
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const value of [undefined, null, 1, Symbol("a"), () => 1, { big: 1n }, circular])
      await expect(line.store.set("key", value as never)).rejects.toThrow(TypeError);
    for (const key of ["\ud800", "a\udfff", undefined, 1] as string[]) {
      await expect(line.store.set(key, "a")).rejects.toThrow(TypeError);
      await expect(line.store.get(key)).rejects.toThrow(TypeError);
      await expect(line.store.delete(key)).rejects.toThrow(TypeError);
    }
  });

  // Once, the connection was then neither closed nor read.
  test.each([
    [999, ""],
    [1005, ""],
    [5000, ""],
    [Number.NaN, ""],
    [4000, "long".repeat(40)],
  ])("of close throws, and the connection stays open: %d %s", async (code, reason) => {
    const served = await serve();
    const { ws, line } = await connect(served, "ada");
    expect(() => line.close(code, reason)).toThrow();
    expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
  });
});
