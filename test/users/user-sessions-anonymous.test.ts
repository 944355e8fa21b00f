import type { RedisClient } from "../support/redis-client.ts";
import { aroundCalls } from "../support/redis-client.ts";
import { me, redisPlace, serve, signIn } from "./support.ts";

/** A client that notes every command that is sent through it. */
function noting(client: RedisClient, noted: string[]): RedisClient {
  return aroundCalls(client, (name, args, run) => {
    noted.push(`${name} ${JSON.stringify(args)}`);
    return run();
  });
}

test("sessions without a user are never in the index, and cost no index command", async () => {
  const noted: string[] = [];
  const { backend, keys } = await redisPlace({}, (client) => noting(client, noted));
  const served = await serve({ backend, session: { touchAfterMs: 0 } });
  const browser = served.browser();
  await browser.post("/set", { json: { color: "red" } });
  await me(browser);
  await browser.post("/set", { json: { color: "green" } });
  (await browser.webSocket("/ws")).terminate();
  await served.opened[0]?.req.session.save();
  expect((await keys()).filter((key) => key.startsWith("session-stack:user:"))).toEqual([]);
  await browser.post("/regenerate");
  await browser.post("/set", { json: { color: "blue" } });
  await browser.post("/logout");
  expect(noted.filter((command) => command.includes("user:"))).toEqual([]);
  expect(noted.length).toBeGreaterThan(5);
  // What is counted does count: the same client sees the index as soon as somebody logs in.
  await signIn(served);
  expect(
    noted.filter((command) => command.includes("session-stack:user:ada:sessions")).length,
  ).toBeGreaterThan(0);
});

test("nothing of a user is left once the last session is gone", async () => {
  const { backend, keys } = await redisPlace();
  const served = await serve({ backend });
  const [first, second, third] = [await signIn(served), await signIn(served), await signIn(served)];
  expect(await keys()).toContain("session-stack:user:ada:sessions");
  await first.post("/logout");
  await second.post("/regenerate");
  await served.users.deleteUserSessions("ada");
  expect(await me(third)).toEqual({});
  // The session that took the place of the second is nobody's, and as in express-session it is stored.
  // That one was replaced is known for some seconds more.
  expect((await keys()).filter((key) => !/^(sess|session-stack:replaced):/.test(key))).toEqual([]);
});

test("nothing is left of users whose sessions have all expired, although no call asks for these users", async () => {
  const { backend, client, prefix, keys } = await redisPlace();
  const served = await serve({ backend, session: { cookie: { maxAge: 3_600_000 } } });
  const browsers = [await signIn(served), await signIn(served), await signIn(served, "grace")];
  expect(browsers).toHaveLength(3);
  const latest = async (user: string) => {
    const scores = await client.zRangeWithScores(`${prefix}session-stack:user:${user}:sessions`, 0, -1);
    return Math.max(...scores.map(({ score }) => score));
  };
  for (const user of ["ada", "grace"]) {
    const expiresAt = await client.pExpireTime(`${prefix}session-stack:user:${user}:sessions`);
    expect(expiresAt).toBeGreaterThanOrEqual(await latest(user));
    expect(expiresAt - (await latest(user))).toBeLessThan(120_000);
  }
  for (const key of await keys()) expect(await client.pTTL(`${prefix}${key}`)).toBeGreaterThan(0);
});
