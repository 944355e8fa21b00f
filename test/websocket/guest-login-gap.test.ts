import { redisBackend } from "../../lib/redis.ts";
import { closed } from "../support/browser.ts";
import { connectRedis, uniquePrefix } from "../support/redis-client.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { afterThisTest, closedAfterThisTest, type Served, serve, sharedRedis } from "../users/support.ts";

const REPLACED = { code: 4009, reason: "session_replaced" };

// Once, a guest's connection stayed without a user if its node missed the login.
test("a guest's connection comes back even if the line of its node was down during the login", async () => {
  const prefix = uniquePrefix("guests");
  const node = async (client: Awaited<ReturnType<typeof connectRedis>>): Promise<Served> => {
    const backend = closedAfterThisTest(redisBackend({ client, prefix }));
    await backend.node.join();
    return serve({ backend });
  };
  const proxy = await startTcpProxy(process.env.REDIS_URL as string);
  afterThisTest(() => proxy.close());
  const behind = await connectRedis(proxy.url.replace(/^http/, "redis"));
  afterThisTest(() => behind.destroy());
  const here = await node(await sharedRedis());
  const there = await node(behind);
  const browser = here.browser();
  const ws = await browser.webSocket(`${there.url}/ws`);
  proxy.cut();
  // A guest's handshake sends no Redis command.
  const late = await browser.webSocket(`${there.url}/ws`);
  expect((await browser.post("/login", { json: { user: "ada" } })).status).toBe(200);
  expect([ws.readyState, late.readyState]).toEqual([ws.OPEN, ws.OPEN]);
  proxy.heal();
  for (const line of [ws, late]) expect(await closed(line, 20_000)).toEqual(REPLACED);
});
