import * as v from "valibot";
import type { WebSocket } from "ws";
import { z } from "zod";
import type { StandardSchema } from "../../lib/index.ts";
import { nextMessage } from "../support/browser.ts";
import { ask, connect, next, refused, type Served, send, serve, takeFailures } from "./support.ts";

const validators: { validator: string; schemas: Record<string, StandardSchema<object>> }[] = [
  {
    validator: "zod",
    schemas: {
      message: z.object({ text: z.string().min(1), tags: z.array(z.string()).optional() }),
      transformed: z.object({ text: z.string().trim().toUpperCase(), at: z.coerce.date() }),
      defaulted: z.object({ size: z.number().default(10) }),
      strict: z.strictObject({ text: z.string() }),
      later: z.object({
        name: z.string().refine(async (name) => (await Promise.resolve(name)) !== "taken", "is taken"),
      }),
      record: z.record(z.string(), z.number()),
    },
  },
  {
    validator: "valibot",
    schemas: {
      message: v.object({
        text: v.pipe(v.string(), v.minLength(1)),
        tags: v.optional(v.array(v.string())),
      }),
      transformed: v.object({
        text: v.pipe(v.string(), v.trim(), v.toUpperCase()),
        at: v.pipe(
          v.string(),
          v.transform((text) => new Date(text)),
        ),
      }),
      defaulted: v.object({ size: v.optional(v.number(), 10) }),
      strict: v.strictObject({ text: v.string() }),
      later: v.objectAsync({
        name: v.pipeAsync(
          v.string(),
          v.checkAsync(async (name) => (await Promise.resolve(name)) !== "taken", "is taken"),
        ),
      }),
      record: v.record(v.string(), v.number()),
    },
  },
];

describe.each(validators)("with schemas of $validator", ({ schemas }) => {
  let served: Served;
  let ws: WebSocket;
  /** The data that reached a handler. */
  let handled: unknown[];

  beforeEach(async () => {
    handled = [];
    served = await serve({
      setUp: (chat) => {
        for (const [type, schema] of Object.entries(schemas))
          chat.on(type, schema, (_, d) => handled.push(d));
      },
    });
    ({ ws } = await connect(served, "ada"));
  });

  test("valid data reaches the handler, without fields that the schema does not name", async () => {
    await ask(ws, "message", { text: "hello", tags: ["a"], isAdmin: true });
    expect(handled).toEqual([{ text: "hello", tags: ["a"] }]);
  });

  test.each([
    ["message", {}, "text"],
    ["message", { text: "" }, "text"],
    ["message", { text: 1 }, "text"],
    ["message", { text: "hello", tags: ["a", 2] }, "tags.1"],
    ["transformed", { text: "a", at: {} }, "at"],
    ["strict", { text: "hello", more: 1 }, "more"],
    ["later", { name: "taken" }, "name: is taken"],
    ["record", { a: 1, b: "x" }, "b"],
  ])(
    "invalid data never reaches the handler, and the answer names the place: %s %j",
    async (type, data, where) => {
      const answer = await ask(ws, type, data);
      expect(answer).toEqual(refused("invalid_data"));
      expect((answer.error as { message: string }).message).toContain(where);
      await ask(ws, "message", { text: "next" });
      expect(handled).toEqual([{ text: "next" }]);
      expect(served.failures).toEqual([]);
    },
  );

  test("the handler receives the output of the schema", async () => {
    await ask(ws, "transformed", { text: " hello ", at: "2024-02-29T00:00:00Z" });
    await ask(ws, "defaulted");
    expect(handled).toEqual([{ text: "HELLO", at: new Date(Date.UTC(2024, 1, 29)) }, { size: 10 }]);
  });

  test("an async schema is awaited, and events stay in order", async () => {
    send(ws, "later", { name: "first" });
    send(ws, "message", { text: "second" });
    await ask(ws, "later", { name: "third" });
    expect(handled).toEqual([{ name: "first" }, { text: "second" }, { name: "third" }]);
  });

  test("an invalid event without an id gets the error too", async () => {
    send(ws, "message", { text: 1 });
    expect(await next(ws)).toEqual(refused("invalid_data"));
  });

  test.each([
    ["thousands of wrong values", { text: "x", tags: Array.from({ length: 20_000 }, () => 1) }, "message"],
    ["names of thousands of characters", { ["n".repeat(60_000)]: "x" }, "record"],
    [
      "thousands of unknown names",
      { text: "x", ...Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`n${n}`, 1])) },
      "strict",
    ],
  ])("%s give a short answer", async (_what, data, type) => {
    send(ws, type, data, 1);
    const text = await nextMessage(ws);
    expect(JSON.parse(text)).toEqual({ id: 1, ...refused("invalid_data") });
    expect(text.length).toBeLessThan(2_000);
    expect(handled).toEqual([]);
  });
});

describe("a custom schema", () => {
  const schema = (validate: StandardSchema<object>["~standard"]["validate"]): StandardSchema<object> => ({
    "~standard": { version: 1, validate },
  });

  async function answerBy(validate: StandardSchema<object>["~standard"]["validate"]) {
    const served = await serve({ setUp: (chat) => chat.on("checked", schema(validate), (_, data) => data) });
    const { ws } = await connect(served, "ada");
    return { served, answer: await ask(ws, "checked", { a: 1 }) };
  }

  test("may report paths of any kind, or none", async () => {
    const issues = [
      { message: "no" },
      { message: "one", path: ["a", 0] },
      { message: "two", path: [{ key: "b" }, Symbol("c")] },
      { message: "three", path: [] },
    ];
    const { answer } = await answerBy(() => ({ issues }));
    expect(answer.error).toEqual({
      code: "invalid_data",
      message: "no; a.0: one; b.Symbol(c): two; three",
    });
  });

  test("may be a function, as in arktype", async () => {
    const served = await serve({
      setUp: (chat) =>
        chat.on(
          "checked",
          Object.assign(
            () => {},
            schema(() => ({ value: { by: "function" } })),
          ),
          (_, d) => d,
        ),
    });
    const { ws } = await connect(served, "ada");
    expect(await ask(ws, "checked")).toEqual({ status: "success", data: { by: "function" } });
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("inner trouble");
      },
    ],
    ["rejects", () => Promise.reject(new Error("inner trouble"))],
  ])("that %s is a failure of the handler, whose message is not sent", async (_how, validate) => {
    const { served, answer } = await answerBy(validate);
    expect(answer).toEqual(refused("handler_failed"));
    expect(JSON.stringify(answer)).not.toContain("inner trouble");
    expect(takeFailures(served)).toEqual(["inner trouble"]);
  });

  test.each([
    ["an object that is none", {}],
    ["null", null],
    ["half of one", { "~standard": { version: 1 } }],
  ])("must be a schema: %s is a TypeError", async (_what, wrong) => {
    const { chat } = await serve();
    expect(() => chat.on("checked", wrong as never, () => {})).toThrow(
      new TypeError('realtime: the schema of on("checked") must be a Standard Schema'),
    );
  });
});
