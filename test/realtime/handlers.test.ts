import { closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { ask, connect, gate, next, refused, send, serve, takeFailures } from "./support.ts";

describe("a handler that fails", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("inner trouble");
      },
    ],
    ["rejects", () => Promise.reject(new Error("inner trouble"))],
    [
      "rejects later",
      async () => {
        await new Promise(setImmediate);
        throw new TypeError("inner trouble");
      },
    ],
    [
      "throws a text",
      () => {
        throw "inner trouble";
      },
    ],
    [
      "throws nothing",
      () => {
        throw undefined;
      },
    ],
    ["throws null", () => Promise.reject(null)],
    ["throws what has no text", () => Promise.reject(Object.create(null))],
    [
      "says that it may be told in a way that is none",
      () => {
        throw Object.assign(new Error("inner trouble"), { expose: "true", code: "inner_code" });
      },
    ],
    [
      "fails in making an error",
      () => {
        throw {
          get expose() {
            throw new Error("inner trouble");
          },
        };
      },
    ],
    ["returns a BigInt", () => ({ trouble: 1n })],
    ["returns a circle", async () => circular],
    [
      "returns what cannot be made JSON",
      () => ({
        toJSON() {
          throw new Error("inner trouble");
        },
      }),
    ],
  ])(
    "and %s is answered without its message and reported, and the connection stays open",
    async (_how, handler) => {
      const served = await serve({ setUp: (chat) => chat.on("fail", handler) });
      const { ws, line } = await connect(served, "ada");
      const answer = await ask(ws, "fail");
      expect(answer).toEqual(refused("handler_failed"));
      expect(JSON.stringify(answer)).not.toMatch(/inner|trouble|bigint|circular/i);
      expect(served.failures).toEqual([{ error: expect.any(Error), connection: line }]);
      served.failures.splice(0);
      expect(await ask(ws, "echo", { on: 1 })).toEqual({ status: "success", data: { on: 1 } });
    },
  );

  test("is answered even if the event has no id", async () => {
    const served = await serve({ setUp: (chat) => chat.on("fail", () => Promise.reject(new Error("no"))) });
    const { ws } = await connect(served, "ada");
    send(ws, "fail");
    expect(await next(ws)).toEqual(refused("handler_failed"));
    expect(takeFailures(served)).toEqual(["no"]);
  });

  test("with an exposed error, as http-errors creates them, is answered with its code and message", async () => {
    const exposed = (code?: unknown) =>
      Object.assign(new Error("Such a group is full"), { expose: true, code });
    const served = await serve({
      setUp: (chat) =>
        chat
          .on("coded", () => Promise.reject(exposed("group_full")))
          .on("numbered", () => {
            throw exposed(409);
          })
          .on("uncoded", () => {
            throw exposed();
          }),
    });
    const { ws } = await connect(served, "ada");
    const message = "Such a group is full";
    expect(await ask(ws, "coded")).toEqual({ status: "error", error: { code: "group_full", message } });
    expect(await ask(ws, "numbered")).toEqual({ status: "error", error: { code: "409", message } });
    expect(await ask(ws, "uncoded")).toEqual({ status: "error", error: { code: "handler_failed", message } });
    send(ws, "coded");
    expect(await next(ws)).toEqual({ status: "error", error: { code: "group_full", message } });
    expect(served.failures).toEqual([]);
  });

  // Once, it ended the handling of the connection's events, and was an unhandled rejection.
  test("does no harm if the error listeners fail too", async () => {
    const served = await serve({
      setUp: (chat) =>
        chat
          .on("error", () => {
            throw new Error("no log");
          })
          .on("fail", () => Promise.reject(new Error("no")))
          .on("big", () => 1n),
    });
    const warned = jest.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { ws } = await connect(served, "ada");
    expect(await ask(ws, "fail")).toEqual(refused("handler_failed"));
    expect(await ask(ws, "big")).toEqual(refused("handler_failed"));
    expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
    expect(warned.mock.calls).toEqual([[new Error("no log")], [new Error("no log")]]);
    warned.mockRestore();
    expect(takeFailures(served)).toHaveLength(2);
  });
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["a function", () => {}],
  ["a symbol", Symbol("a")],
])("a handler that returns %s is answered without data", async (_what, value) => {
  const served = await serve({ setUp: (chat) => chat.on("value", () => value) });
  const { ws } = await connect(served, "ada");
  expect(await ask(ws, "value")).toEqual({ status: "success" });
});

test("the result for an event without an id is not read", async () => {
  const served = await serve({ setUp: (chat) => chat.on("value", () => 1n) });
  const { ws } = await connect(served, "ada");
  send(ws, "value");
  expect(await ask(ws, "echo")).toMatchObject({ status: "success" });
});

describe("events of one connection", () => {
  test("are handled one after the other, in order, however long each takes", async () => {
    const log: string[] = [];
    const served = await serve({
      setUp: (chat) =>
        chat.on("work", async (_, { at, turns }) => {
          log.push(`${at} begins`);
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
          log.push(`${at} ends`);
          if (at % 3 === 0) throw Object.assign(new Error("no"), { expose: true });
        }),
    });
    const { ws } = await connect(served, "ada");
    for (let at = 0; at < 30; at++) send(ws, "work", { at, turns: (at * 7) % 5 });
    send(ws, "echo", {}, "last");
    for (let answer = await next(ws); answer.id !== "last"; ) answer = await next(ws);
    expect(log).toEqual(Array.from({ length: 30 }, (_, at) => [`${at} begins`, `${at} ends`]).flat());
  });

  test("wait while one is handled, and heartbeats and events of other connections do not", async () => {
    const { opened, open } = gate();
    const log: unknown[] = [];
    const served = await serve({
      setUp: (chat) =>
        chat.on("wait", () => opened).on("log", (connection, { at }) => log.push([connection.userId, at])),
    });
    const [ada, grace] = [await connect(served, "ada"), await connect(served, "grace")];
    send(ada.ws, "wait", {}, "waited");
    for (const at of [1, 2]) send(ada.ws, "log", { at });
    await ask(grace.ws, "log", { at: 1 });
    for (const id of [1, 2, 3]) {
      send(ada.ws, "session.heartbeat", {}, id);
      expect(await next(ada.ws)).toEqual({ id, status: "success" });
    }
    // An invalid event is found before it waits.
    ada.ws.send("{");
    expect(await next(ada.ws)).toEqual(refused("bad_json"));
    expect(log).toEqual([["grace", 1]]);
    open();
    expect(await next(ada.ws)).toEqual({ id: "waited", status: "success" });
    await ask(ada.ws, "log", { at: 3 });
    expect(log.slice(1)).toEqual([1, 2, 3].map((at) => ["ada", at]));
  });

  test("that the client sent before it closed are handled", async () => {
    const log: unknown[] = [];
    const { opened, open } = gate();
    const served = await serve({
      setUp: (chat) => chat.on("wait", () => opened).on("log", (_, { at }) => log.push(at)),
    });
    const { ws } = await connect(served, "ada");
    send(ws, "wait");
    for (const at of [1, 2, 3]) send(ws, "log", { at });
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    open();
    await eventually(() => expect(log).toEqual([1, 2, 3]));
  });
});

test("a handler that is set or removed later counts from then on", async () => {
  const served = await serve();
  const { ws } = await connect(served, "ada");
  const handler = () => "here";
  expect(await ask(ws, "late")).toEqual(refused("unknown_event"));
  served.chat.on("late", handler);
  expect(await ask(ws, "late")).toEqual({ status: "success", data: "here" });
  served.chat.off("late", () => "here");
  expect(await ask(ws, "late")).toEqual({ status: "success", data: "here" });
  served.chat.off("late", handler);
  expect(await ask(ws, "late")).toEqual(refused("unknown_event"));
});

test("close ends the connection after earlier messages were sent, and later events are not handled", async () => {
  const log: unknown[] = [];
  const served = await serve({
    setUp: (chat) =>
      chat
        .on("leave", (connection) => {
          connection.send("bye");
          connection.close(4100, "as you wish");
          connection.send("never");
        })
        .on("log", () => log.push("handled")),
  });
  const { ws, line } = await connect(served, "ada");
  send(ws, "leave", {}, 1);
  send(ws, "log");
  expect(await next(ws)).toEqual({ event_type: "bye", data: {} });
  expect(await closed(ws)).toEqual({ code: 4100, reason: "as you wish" });
  await expect(next(ws)).rejects.toThrow(/Closed/);
  expect(log).toEqual([]);
  await eventually(() => expect(served.closings[0]?.closed).toEqual({ code: 4100, reason: "as you wish" }));
  expect(() => line.send("never")).not.toThrow();
  expect(() => line.close()).not.toThrow();
});
