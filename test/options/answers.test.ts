import type { ErrorRequestHandler, Request } from "express";
import {
  memoryBackend,
  realtime,
  type SessionMiddlewareOptions,
  sessionMiddleware,
  sessionMiddlewareStack,
  webSocketSessions,
} from "../../lib/index.ts";
import { browse, countUp, secret, versions } from "../middleware/support.ts";
import { serve } from "../websocket/support.ts";

const wrongCookies: [answer: string, cookie: (req: Request) => unknown, said: string][] = [
  // A function body in braces instead of an object.
  ["nothing", () => {}, 'option "cookie" must be a function that answers with an object'],
  ["null", () => null, "not null"],
  ["a text", () => "secure", "not a string"],
  ["a promise", async () => ({ maxAge: 1_000 }), "not a promise: await it"],
  ["a wrong age", () => ({ maxAge: "1h" }), 'option "maxAge" must be'],
  ["a misspelt age", () => ({ maxage: 1_000 }), 'unknown option "maxage"; did you mean "maxAge"?'],
  [
    "what browsers drop",
    () => ({ sameSite: "none", secure: false }),
    'browsers drop this cookie: sameSite: "none" needs secure: true or "auto"',
  ],
  ["a wrong sameSite", () => ({ sameSite: "loose" }), 'option "sameSite" must be'],
];

/** The status of a request, and the message of the error that `next` received. */
async function failureOf(
  createApp: (typeof versions)[number]["createApp"],
  options: SessionMiddlewareOptions,
) {
  let failure: unknown;
  const app = createApp();
  app.use(sessionMiddleware({ secret, ...options }));
  app.get("/", (req, res) => void res.json(countUp(req)));
  app.use(((error, _req, res, _next) => {
    failure = error;
    res.status(500).end();
  }) as ErrorRequestHandler);
  const { status } = await (await browse(app)).get("/");
  return { status, failure };
}

describe.each(versions)("an option function with a wrong result, on $version", ({ createApp }) => {
  test.each(wrongCookies)("cookie with %s is a TypeError for next", async (_what, cookie, said) => {
    const { status, failure } = await failureOf(createApp, { cookie: cookie as never });
    expect(status).toBe(500);
    expect(failure).toBeInstanceOf(TypeError);
    expect((failure as Error).message).toMatch(/^sessionMiddleware/);
    expect((failure as Error).message).toContain(said);
  });

  // Once, all sessions had the id "[object Promise]", and were the same session.
  test.each<[string, () => unknown]>([
    ["a promise", async () => "id"],
    ["nothing", () => {}],
    ["an empty text", () => ""],
    ["a number", () => 1],
  ])("genid with %s is a TypeError for next", async (_what, genid) => {
    const { status, failure } = await failureOf(createApp, { genid: genid as never });
    expect([status, failure]).toEqual([500, expect.any(TypeError)]);
    expect((failure as Error).message).toContain(
      'sessionMiddleware: option "genid" must be a function that answers',
    );
  });

  // Once, it counted as true, so nothing was ever saved.
  test("saveUnless with a promise is a TypeError for next", async () => {
    const { failure } = await failureOf(createApp, { saveUnless: (async () => false) as never });
    expect(failure).toBeInstanceOf(TypeError);
    expect((failure as Error).message).toContain('sessionMiddleware: option "saveUnless" must be a function');
  });
});

test.each(wrongCookies)(
  "a WebSocket whose cookie function returns %s is refused with 500",
  async (_what, cookie, said) => {
    let isWrong = false;
    const served = await serve({ session: { cookie: (req) => (isWrong ? cookie(req) : {}) as object } });
    isWrong = true;
    await expect(served.browser().webSocket("/ws")).rejects.toMatchObject({ statusCode: 500 });
    expect(served.errors).toMatchObject([{ message: expect.stringContaining(said) }]);
  },
);

test.each<[string, () => unknown]>([
  ["nothing", () => {}],
  ["a promise of one", async () => memoryBackend().connectionStore({ ttlSeconds: 1, nameOf: () => "a" })],
  ["half of one", () => ({ get() {} })],
])(
  "a connectionStore function that returns %s makes attach throw a TypeError",
  async (_what, connectionStore) => {
    const backend = memoryBackend();
    const stack = sessionMiddlewareStack(sessionMiddleware({ secret, backend }));
    const chat = realtime({ connectionStore: connectionStore as never });
    expect(() => webSocketSessions(stack).attach(chat)).toThrow(TypeError);
    expect(() =>
      webSocketSessions(stack).attach(realtime({ connectionStore: connectionStore as never })),
    ).toThrow(
      'realtime: option "connectionStore" must be a function that answers at once with a connection store',
    );
    await backend.close();
  },
);
