import type { WebSocket } from "ws";
import { nextMessage } from "../support/browser.ts";
import { connect, gate, next, refused, type Served, send, serve } from "./support.ts";

let served: Served;
let ws: WebSocket;
let handled: unknown[];

beforeEach(async () => {
  handled = [];
  served = await serve({
    realtime: { maxMessagesPerSecond: 10_000 },
    setUp: (chat) =>
      chat
        .on("count", (_, data) => handled.push(data))
        .on("nothing", () => {})
        .on("null", () => null)
        .on("list", async () => [1, "two", { three: 3 }]),
  });
  ({ ws } = await connect(served, "ada"));
});

/** The whole text of the answer. */
async function answerTo(message: string | Buffer): Promise<string> {
  ws.send(message);
  return nextMessage(ws);
}

describe("a heartbeat", () => {
  test.each([
    ["as clients send it", '{"event_type":"session.heartbeat","data":{}}'],
    ["without data", '{"event_type":"session.heartbeat"}'],
    ["with data that nobody reads", '{"data":{"a":[1]},"event_type":"session.heartbeat","more":true}'],
  ])("is answered with exactly this text: %s", async (_how, text) => {
    expect(await answerTo(text)).toBe('{"status":"success"}');
  });

  test.each([
    ["7", '{"id":7,"status":"success"}'],
    ["0", '{"id":0,"status":"success"}'],
    ["-1.5", '{"id":-1.5,"status":"success"}'],
    ['""', '{"id":"","status":"success"}'],
    ['"a\\nü"', '{"id":"a\\nü","status":"success"}'],
  ])("with the id %s is answered with the same id", async (id, answer) => {
    expect(await answerTo(`{"event_type":"session.heartbeat","id":${id}}`)).toBe(answer);
  });

  test("of the server is answered with the client's status, which gets no answer", async () => {
    ws.send('{"status":"success"}');
    expect(await answerTo('{"event_type":"nothing","id":1}')).toBe('{"id":1,"status":"success"}');
  });
});

describe("an event that is handled", () => {
  test.each([
    ["echo", '"data":{"a":{"b":[1,null]}},"id":1', '{"id":1,"status":"success","data":{"a":{"b":[1,null]}}}'],
    ["echo", '"id":"x"', '{"id":"x","status":"success","data":{}}'],
    ["list", '"id":2', '{"id":2,"status":"success","data":[1,"two",{"three":3}]}'],
    ["null", '"id":3', '{"id":3,"status":"success","data":null}'],
    ["nothing", '"id":4', '{"id":4,"status":"success"}'],
  ])("is answered with the result of its handler: %s with %s", async (type, rest, answer) => {
    expect(await answerTo(`{"event_type":"${type}",${rest}}`)).toBe(answer);
  });

  test("gets no answer if it has no id", async () => {
    send(ws, "count", { at: 1 });
    send(ws, "echo", { at: 2 });
    expect(await answerTo('{"event_type":"nothing","id":1}')).toBe('{"id":1,"status":"success"}');
    expect(handled).toEqual([{ at: 1 }]);
  });

  test("of the server has a type and data, and no id", async () => {
    served.connections[0]?.send("news", { text: "hello" });
    served.connections[0]?.send("empty");
    expect(await nextMessage(ws)).toBe('{"event_type":"news","data":{"text":"hello"}}');
    expect(await nextMessage(ws)).toBe('{"event_type":"empty","data":{}}');
  });
});

const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

const cases: [what: string, text: string | Buffer, code: string, id?: string | number][] = [
  ["an empty text", "", "bad_json"],
  ["half of a message", '{"event_type":"count"', "bad_json"],
  ["two messages in one", '{"event_type":"count"}{"event_type":"count"}', "bad_json"],
  ["a script", "process.exit()", "bad_json"],
  ["an array", '[{"event_type":"count"}]', "bad_message"],
  ["null", "null", "bad_message"],
  ["a number", "1", "bad_message"],
  ["a string", '"count"', "bad_message"],
  ["deep arrays", deep(30_000), "bad_message"],
  ["no type", '{"data":{},"id":1}', "bad_message", 1],
  ["nothing at all", "{}", "bad_message"],
  ["an empty type", '{"event_type":"","id":1}', "bad_message", 1],
  ["a number as its type", '{"event_type":1,"id":1}', "bad_message", 1],
  ["null as its type", '{"event_type":null,"id":1}', "bad_message", 1],
  ["a list as its type", '{"event_type":["count"],"id":1}', "bad_message", 1],
  ["an answer to a question that nobody asked", '{"status":"success","id":1}', "bad_message", 1],
  ["a status that is no success", '{"status":"error"}', "bad_message"],
  ["a list as data", '{"event_type":"count","data":[],"id":1}', "bad_message", 1],
  ["null as data", '{"event_type":"count","data":null,"id":"x"}', "bad_message", "x"],
  ["a text as data", '{"event_type":"count","data":"{}","id":1}', "bad_message", 1],
  ["a number as data", '{"event_type":"count","data":0,"id":1}', "bad_message", 1],
  ["an object as id", '{"event_type":"count","id":{}}', "bad_id"],
  ["a boolean as id", '{"event_type":"count","id":true}', "bad_id"],
  ["null as id", '{"event_type":"count","id":null}', "bad_id"],
  ["a list as id", '{"event_type":"count","id":[1]}', "bad_id"],
  ["an id that is no number any more", '{"event_type":"count","id":1e999}', "bad_id"],
  ["a heartbeat with such an id", '{"event_type":"session.heartbeat","id":{}}', "bad_id"],
  ["__proto__ among the keys", '{"event_type":"count","__proto__":{}}', "bad_message"],
  ["__proto__ in the data", '{"event_type":"count","data":{"__proto__":{"a":1}}}', "bad_message"],
  ["__proto__ deep in it", '{"event_type":"count","data":{"a":[{"b":{"__proto__":1}}]}}', "bad_message"],
  ["__proto__ escaped", '{"event_type":"count","data":{"\\u005f_proto__":{}}}', "bad_message"],
  ["__proto__ escaped in its middle", '{"event_type":"count","data":{"__pr\\u006Fto__":1}}', "bad_message"],
  ["__proto__ in a heartbeat", '{"event_type":"session.heartbeat","__proto__":1}', "bad_message"],
  ["a binary frame", Buffer.from('{"event_type":"count","id":1}'), "binary_frame"],
  ["an empty binary frame", Buffer.alloc(0), "binary_frame"],
  ...[
    "unknown",
    "connect",
    "disconnect",
    "online",
    "offline",
    "error",
    "constructor",
    "toString",
    "hasOwnProperty",
    "__proto__",
    "newListener",
    "session.",
    "session.heartbeat ",
    "COUNT",
    " count",
    "count\u0000",
  ].map((type): [string, string, string, number] => [
    `an event named ${JSON.stringify(type)}`,
    JSON.stringify({ event_type: type, data: {}, id: 1 }),
    "unknown_event",
    1,
  ]),
];
const wrong = cases.map(([what, text, code, id]) => ({ what, text, code, id }));

describe("an invalid message is answered with its error code, and the connection stays open", () => {
  test.each(wrong)("$what", async ({ text, code, id }) => {
    ws.send(text);
    const answer = await next(ws);
    expect(answer).toEqual({ ...(id === undefined ? {} : { id }), ...refused(code) });
    expect(handled).toEqual([]);
    expect(await answerTo('{"event_type":"echo","data":{"on":1},"id":2}')).toBe(
      '{"id":2,"status":"success","data":{"on":1}}',
    );
  });

  test("also if it has no id", async () => {
    send(ws, "unknown");
    expect(await next(ws)).toEqual(refused("unknown_event"));
  });

  test("also if many are sent together, in order", async () => {
    for (const { text } of wrong) ws.send(text);
    send(ws, "count", { last: true }, "last");
    const codes: unknown[] = [];
    for (const _ of wrong) codes.push(((await next(ws)).error as { code: string }).code);
    expect(codes.sort()).toEqual(wrong.map(({ code }) => code).sort());
    expect(await next(ws)).toEqual({ id: "last", status: "success", data: 1 });
    expect(handled).toEqual([{ last: true }]);
  });

  test("and its text is not quoted", async () => {
    expect(await answerTo("secret")).not.toContain("secret");
    expect(await answerTo('{"event_type":"secret","id":1}')).not.toContain("secret");
  });
});

test("__proto__ in a string value is harmless and accepted", async () => {
  const data = '{"__proto":1,"constructor":{"prototype":{}},"a":"__proto__","b":["\\u005f_proto__"]}';
  const answer = JSON.parse(await answerTo(`{"event_type":"echo","data":${data},"id":1}`)) as object;
  expect(answer).toMatchObject({ status: "success", data: { a: "__proto__", b: ["__proto__"] } });
});

// Once, an escape made a reviver read each message. The reviver is ten times as slow, and overflowed the stack.
test.each([
  ["", "success"],
  ["\\u0041", "success"],
  ["\\u005f", "success"],
  ['","\\u005f_proto__":"', "bad_message"],
])("30,000 levels of data beside the text %j do the process no harm", async (text, code) => {
  send(ws, "count");
  ws.send(`{"event_type":"count","data":{"text":"${text}","deep":${deep(30_000)}},"id":1}`);
  const { status, error } = await next(ws);
  expect((error as { code: string } | undefined)?.code ?? status).toBe(code);
  expect(await answerTo('{"event_type":"nothing","id":1}')).toBe('{"id":1,"status":"success"}');
});

test.each([
  [
    "deepest of 14,000 levels",
    `${'{"a":'.repeat(4_000)}${"[".repeat(10_000)}{"__proto__":1}`,
    "]".repeat(10_000) + "}".repeat(4_000),
  ],
  [
    "behind 10,000 neighbours",
    `[${"{},".repeat(10_000)}{"\\u005F\\u005f\\u0070\\u0072\\u006F\\u0074\\u006f__":1}`,
    "]",
  ],
])("__proto__ is found %s", async (_where, before, after) => {
  expect(
    JSON.parse(await answerTo(`{"event_type":"count","data":{"deep":${before}${after}},"id":1}`)),
  ).toEqual({
    id: 1,
    ...refused("bad_message"),
  });
  expect(handled).toEqual([]);
});

// Once, the event waited behind earlier ones with all of its data.
test("an event without a handler is refused at once, and its data is not inspected", async () => {
  const { opened, open } = gate();
  served.chat.on("wait", () => opened);
  send(ws, "wait", {}, "waited");
  expect(await answerTo('{"event_type":"unknown","data":{"__proto__":1},"id":1}')).toMatch(
    /"id":1.*unknown_event/,
  );
  open();
  expect(await next(ws)).toEqual({ id: "waited", status: "success" });
});

test("an answer that is too deep for JSON is a failure of its handler", async () => {
  ws.send(`{"event_type":"echo","data":{"deep":${deep(30_000)}},"id":1}`);
  expect(await next(ws)).toEqual({ id: 1, ...refused("handler_failed") });
  expect(served.failures.splice(0)).toMatchObject([{ error: expect.any(RangeError) }]);
});
