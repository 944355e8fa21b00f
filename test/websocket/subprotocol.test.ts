import type { WebSocketSessionsOptions } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { captureDebug } from "./capture-debug.ts";
import { afterThisTest, data, type Served, serve, signIn } from "./support.ts";

type Choose = NonNullable<WebSocketSessionsOptions["handleProtocols"]>;

const choosing = (handleProtocols?: Choose): Promise<Served> =>
  serve({ webSocket: { path: "/ws", ...(handleProtocols && { handleProtocols }) } });

/** The protocol that a client with these offers receives, and that of the connection. */
async function chosenOf(served: Served, protocols: string[]): Promise<unknown[]> {
  const ws = await (await signIn(served)).webSocket("/ws", { protocols });
  return [ws.protocol, served.opened.at(-1)?.ws.protocol];
}

test("without the option the first offered protocol is chosen, and none without an offer", async () => {
  const served = await choosing();
  expect(await chosenOf(served, ["chat.v2", "chat.v1"])).toEqual(["chat.v2", "chat.v2"]);
  expect(await chosenOf(served, [])).toEqual(["", ""]);
});

// Once, the first was always chosen.
test("handleProtocols chooses one of the offered protocols, in order, with the session loaded", async () => {
  const seen: unknown[] = [];
  const served = await choosing((protocols, req) => {
    seen.push([...protocols], data(req).name);
    return protocols.has("chat.v1") ? "chat.v1" : false;
  });
  expect(await chosenOf(served, ["token.abc", "chat.v1"])).toEqual(["chat.v1", "chat.v1"]);
  expect(seen).toEqual([["token.abc", "chat.v1"], "Ada"]);
});

test("handleProtocols is not called for a client without an offer", async () => {
  const served = await choosing(() => {
    throw new Error("asked");
  });
  expect(await chosenOf(served, [])).toEqual(["", ""]);
});

test.each([false, undefined, "", null])(
  "no protocol is chosen if it returns %p, and clients refuse that as with ws",
  async (none) => {
    const served = await choosing(() => none as false);
    await expect((await signIn(served)).webSocket("/ws", { protocols: ["chat.v1"] })).rejects.toThrow(
      "Server sent no subprotocol",
    );
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    expect(served.errors).toEqual([]);
  },
);

test.each<[string, unknown, string]>([
  ["answers one that was not offered", () => "other", 'option "handleProtocols"'],
  ["answers one with a line break", () => "chat.v1\r\nSet-Cookie: a=b", 'option "handleProtocols"'],
  [
    "adds one to those it was given, and answers it",
    (protocols: Set<string>) => [...protocols.add("other")].at(-1),
    'option "handleProtocols"',
  ],
  ["answers no text", () => ({}), 'option "handleProtocols"'],
  ["promises one", async () => "chat.v1", 'option "handleProtocols"'],
  ["promises, and rejects", async () => Promise.reject(new Error("broken")), 'option "handleProtocols"'],
  [
    "throws",
    () => {
      throw new Error("broken");
    },
    "broken",
  ],
])(
  "a handleProtocols that %s is a 500 and an error event, and binds nothing",
  async (_what, choose, message) => {
    let isBroken = true;
    const served = await serve({
      webSocket: {
        path: "/ws",
        maxConnectionsPerSession: 1,
        handleProtocols: (...args) => (isBroken ? (choose as Choose)(...args) : "chat.v1"),
      },
    });
    const browser = await signIn(served);
    await expect(browser.webSocket("/ws", { protocols: ["chat.v1", "secret-token"] })).rejects.toMatchObject({
      statusCode: 500,
    });
    expect(served.errors).toMatchObject([{ message: expect.stringContaining(message) }]);
    expect(served.errors[0]?.message).not.toContain("secret-token");
    isBroken = false;
    expect((await browser.webSocket("/ws", { protocols: ["chat.v1"] })).protocol).toBe("chat.v1");
  },
);

test("a handleProtocols that throws after authorize has begun a response still leads to a 500", async () => {
  const served = await serve({
    webSocket: {
      path: "/ws",
      authorize: (_req, res) => Boolean(res.setHeader("X-Seen", "yes")),
      handleProtocols: () => {
        throw new Error("broken");
      },
    },
  });
  await expect((await signIn(served)).webSocket("/ws", { protocols: ["a"] })).rejects.toMatchObject({
    statusCode: 500,
    headers: expect.objectContaining({ "x-seen": "yes" }),
  });
});

test("offered names are not logged, because some clients send a token in them", async () => {
  const { lines, stop } = captureDebug("express-session-stack:*");
  afterThisTest(stop);
  const served = await choosing((protocols) => (protocols.has("bad") ? ("none" as never) : "chat.v1"));
  await chosenOf(served, ["chat.v1", "secret-token"]);
  await served
    .browser()
    .webSocket("/ws", { protocols: ["bad", "secret-token"] })
    .catch(() => {});
  expect(lines.join("")).toContain("refused with 500");
  expect(lines.join("")).not.toContain("secret-token");
});

test("a handleProtocols that is not a function is a TypeError that names it", async () => {
  await expect(choosing("chat.v1" as never)).rejects.toThrow('option "handleProtocols" must be a function');
});
