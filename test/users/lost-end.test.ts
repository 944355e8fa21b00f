import type { WebSocket } from "ws";
import type { Backend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { closed } from "../support/browser.ts";
import { aroundCalls } from "../support/redis-client.ts";
import { closedAfterThisTest, lost, me, redisPlace, type Served, serve, signIn } from "./support.ts";

const ended = { code: 4501, reason: "session_ended" };
const replaced = { code: 4009, reason: "session_replaced" };

/** Ends of sessions whose command has been carried out, and whose answer is lost. */
const ENDS: [how: string, path: string, json: object, as: object][] = [
  ["a logout", "/logout", {}, ended],
  ["a login", "/login", { user: "grace" }, replaced],
  ["a regenerate", "/regenerate", {}, replaced],
];

// Once, the connections were not told. They stayed open for 30 s and received the user's messages.
describe("A session that has ended, when the store's answer is lost", () => {
  let isLost = false;

  async function twoNodes(): Promise<[Served, Served]> {
    const { backend, client, prefix } = await redisPlace({}, (client) =>
      aroundCalls(client, (name, _args, run) =>
        name === "getDel" && isLost ? Promise.resolve(run()).then(lost) : run(),
      ),
    );
    const other: Backend = closedAfterThisTest(redisBackend({ client, prefix }));
    return Promise.all([serve({ backend }), serve({ backend: other })]);
  }

  async function connectedToBoth(): Promise<{
    here: Served;
    sockets: WebSocket[];
    browser: Awaited<ReturnType<typeof signIn>>;
  }> {
    const [here, there] = await twoNodes();
    const browser = await signIn(here);
    const elsewhere = there.browser();
    for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value);
    return { here, browser, sockets: [await browser.webSocket("/ws"), await elsewhere.webSocket("/ws")] };
  }

  beforeEach(() => {
    isLost = false;
  });

  test.each(ENDS)(
    "by %s closes its connections on all nodes within two seconds",
    async (_how, path, json, as) => {
      const { browser, sockets } = await connectedToBoth();
      const closings = Promise.all(sockets.map((ws) => closed(ws)));
      isLost = true;
      expect((await browser.post(path, { json })).status).toBe(503);
      isLost = false;
      const endedAt = Date.now();
      expect(await closings).toEqual([as, as]);
      expect(Date.now() - endedAt).toBeLessThan(2_000);
      expect(await me(browser)).not.toHaveProperty("login");
    },
  );

  test("loses its cookie when the logout is tried again", async () => {
    const { browser } = await connectedToBoth();
    isLost = true;
    expect((await browser.post("/logout")).status).toBe(503);
    isLost = false;
    const { status, setCookies } = await browser.post("/logout");
    expect(status).toBe(204);
    expect(setCookies.join()).toMatch(/^connect\.sid=;.*Expires=Thu, 01 Jan 1970/);
    expect(browser.cookies.has("connect.sid")).toBe(false);
  });
});
