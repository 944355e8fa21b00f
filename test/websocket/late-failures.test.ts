import type { RequestHandler } from "express";
import { eventually } from "../support/eventually.ts";
import { type Served, serve, signIn } from "./support.ts";

const opened = async (served: Served) => (await (await signIn(served)).webSocket("/ws")).readyState;

/** A middleware that fails for every request but the sign-in. */
const failing =
  (fail: () => unknown): RequestHandler =>
  (req, _res, next) =>
    req.path === "/session" && req.method === "POST" ? next() : (fail() as undefined);

const nothings: [how: string, fail: () => unknown][] = [undefined, null, 0, ""].flatMap((nothing) => [
  [
    `throws ${String(nothing) || "an empty text"}`,
    () => {
      throw nothing;
    },
  ],
  [`rejects with ${String(nothing) || "an empty text"}`, () => Promise.reject(nothing)],
]);

// Once, this counted as next(), which let everybody in.
test.each(nothings)(
  "a middleware of the stack that %s refuses each handshake and each request",
  async (_how, fail) => {
    const served = await serve({ behindSession: [failing(fail)] });
    const browser = await signIn(served);
    await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 500 });
    expect(served.errors).toEqual([expect.any(Error)]);
    expect(served.opened).toEqual([]);
    expect((await browser.get("/session")).status).toBe(500);
  },
);

test("a middleware that returns a rejecting thenable refuses everybody too", async () => {
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what it is about
  const thenable = { then: (_: unknown, reject: (error: Error) => void) => reject(new Error("broken")) };
  const served = await serve({ behindSession: [failing(() => thenable)] });
  await expect((await signIn(served)).webSocket("/ws")).rejects.toMatchObject({ statusCode: 500 });
  expect(served.errors).toMatchObject([{ message: "broken" }]);
});

// Once, such an error was not reported.
test.each<[string, RequestHandler]>([
  [
    "throws",
    (_req, _res, next) => {
      next();
      throw new Error("late");
    },
  ],
  [
    "rejects",
    async (_req, _res, next) => {
      next();
      await new Promise(setImmediate);
      throw new Error("late");
    },
  ],
  [
    "calls next with an error",
    (_req, _res, next) => {
      next();
      next(new Error("late"));
    },
  ],
])(
  "a middleware that calls next and then %s emits an error event, and the connection opens",
  async (_how, late) => {
    const served = await serve({
      behindSession: [(req, res, next) => (req.headers.upgrade ? late(req, res, next) : next())],
    });
    expect(await opened(served)).toBe(1);
    await eventually(() => expect(served.errors).toMatchObject([{ message: "late" }]));
  },
);

test.each<[string, Parameters<typeof serve>[0], number]>([
  [
    "authorize that rejects after the handshake's time",
    {
      webSocket: {
        path: "/ws",
        handshakeTimeoutMs: 50,
        authorize: async () => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          throw new Error("late");
        },
      },
    },
    503,
  ],
  [
    "a middleware that answers and then rejects",
    {
      behindSession: [
        async (req, res, next) => {
          if (!req.headers.upgrade) return next();
          res.status(402).end("pay first");
          await new Promise((resolve) => setTimeout(resolve, 100));
          throw new Error("late");
        },
      ],
    },
    402,
  ],
])("%s is an error event", async (_what, options, statusCode) => {
  const served = await serve(options);
  await expect((await signIn(served)).webSocket("/ws")).rejects.toMatchObject({ statusCode });
  await eventually(() => expect(served.errors).toMatchObject([{ message: "late" }]));
});
