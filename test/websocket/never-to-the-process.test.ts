import { rawRequest } from "../support/raw-socket.ts";
import { handshake } from "./raw-handshake.ts";
import { type ServeOptions, serve } from "./support.ts";

/** Makes a handshake that saves a session, and ignores its result. */
const saving: ServeOptions["webSocket"] = {
  path: "/ws",
  authorize: async (req) => {
    await req.session.save();
    return true;
  },
};

// An unhandled rejection would end the process. Jest fails the test in which it happens.
test.each<[string, ServeOptions]>([
  [
    "saveUnless throws",
    {
      session: {
        saveUnless: () => {
          throw new Error("broken");
        },
      },
      webSocket: saving,
    },
  ],
  [
    "the cookie cannot be serialised",
    { session: { cookie: () => ({ domain: "no;domain" }) }, webSocket: saving },
  ],
  [
    "genid throws",
    {
      session: {
        genid: () => {
          throw new Error("broken");
        },
      },
    },
  ],
  [
    "cookie is a function that throws",
    {
      session: {
        cookie: () => {
          throw new Error("broken");
        },
      },
    },
  ],
  [
    "the app's query parser throws",
    {
      webSocket: (app) => {
        app.set("query parser", () => {
          throw new Error("broken");
        });
        return { path: "/ws", app, authorize: (req) => req.query };
      },
    },
  ],
])(
  "a handshake in which %s ends the line and emits an error event, and does not end the process",
  async (_what, options) => {
    const served = await serve(options);
    const received = await rawRequest(served.port, handshake("/ws?a=b"));
    expect(received).toMatch(/^$|^HTTP\/1\.1 500 /);
    expect(served.opened).toEqual([]);
    expect(served.errors.length).toBeGreaterThan(0);
  },
);

test("a handshakeTimeoutMs that no timer can wait for is honoured or is a TypeError", async () => {
  for (const handshakeTimeoutMs of [Number.POSITIVE_INFINITY, 2 ** 32]) {
    const outcome = await serve({ webSocket: { path: "/ws", handshakeTimeoutMs, authorize: slowly } }).then(
      async (served) => (await served.browser().webSocket("/ws")).readyState,
      (error: unknown) => error,
    );
    expect([1, expect.any(TypeError)]).toContainEqual(outcome);
  }
});

/** Takes longer than one millisecond, which Node uses for a delay that is too large. */
async function slowly(): Promise<boolean> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve));
  return true;
}
