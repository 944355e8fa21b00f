import type { SessionData } from "express-session";
import { memoryBackend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisPlace, redisPlace, serve, sidOf, signIn } from "./support.ts";

const hour = 3_600_000;

/** Takes half an hour from the life that a session in Redis has left, as if it was not used for so long. */
async function letHalfAnHourPass({ client, prefix }: RedisPlace, sid: string): Promise<void> {
  const key = `${prefix}sess:${sid}`;
  await client.expire(key, Number(await client.ttl(key)) - 1_800);
}

const ages: [title: string, cookie: object][] = [
  ["false", { expires: false }],
  ["null", { expires: null }],
  ["a maxAge", { maxAge: 2 * hour }],
  ["a Date", { expires: new Date(Date.now() + 2 * hour) }],
  ["text", { expires: new Date(Date.now() + 2 * hour).toISOString() }],
  ["a number", { expires: Date.now() + 2 * hour }],
];

// Once, a session whose expires was false was always shown as just seen.
test.each(ages)("a session was last seen when it was saved or touched, with %s", async (_, cookie) => {
  const place = await redisPlace();
  const served = await serve({ backend: place.backend, session: { cookie: cookie as never } });
  const sid = sidOf(await signIn(served));
  const lastSeen = async () => (await served.users.listUserSessions("ada"))[0]?.lastSeenAt ?? 0;
  expect(Math.abs((await lastSeen()) - Date.now())).toBeLessThan(5_000);
  await letHalfAnHourPass(place, sid);
  expect(Math.abs((await lastSeen()) - (Date.now() - hour / 2))).toBeLessThan(5_000);
});

test.each(ages)("last seen in memory is the last save or touch as well, with %s", async (_, cookie) => {
  const { now } = Date;
  let passedMs = 0;
  // Before the backend is made, which has the same clock.
  const clock = jest.spyOn(Date, "now").mockImplementation(() => now() + passedMs);
  try {
    const served = await serve({ backend: memoryBackend(), session: { cookie: cookie as never } });
    const loggedInAt = Date.now();
    await signIn(served);
    passedMs = hour / 2;
    const [session] = await served.users.listUserSessions("ada");
    expect(Math.abs((session?.lastSeenAt ?? 0) - loggedInAt)).toBeLessThan(5_000);
  } finally {
    clock.mockRestore();
  }
});

test.each<[string, Parameters<typeof redisPlace>[0]]>([
  ["a ttl function that is not the cookie's age", { ttl: () => 50_000 }],
  ["a ttl function of the cookie", { ttl: ({ cookie }) => (cookie.maxAge as number) / 1000 + 900 }],
  ["a ttl", { ttl: 7_200 }],
])("also in Redis with %s", async (_, options) => {
  const place = await redisPlace(options);
  const served = await serve({ backend: place.backend, session: { cookie: { maxAge: 2 * hour } } });
  const sid = sidOf(await signIn(served));
  await letHalfAnHourPass(place, sid);
  const [session] = await served.users.listUserSessions("ada");
  expect(Math.abs((session?.lastSeenAt ?? 0) - (Date.now() - hour / 2))).toBeLessThan(5_000);
});

test("a session that never expires was last seen at its login", async () => {
  const { backend } = await redisPlace({ disableTTL: true });
  const served = await serve({ backend, session: { cookie: { maxAge: 2 * hour } } });
  await signIn(served);
  const [session] = await served.users.listUserSessions("ada");
  expect(session?.lastSeenAt).toBe(session?.createdAt);
});

test("a touch updates last seen, also for a cookie that express-session has stored with false", async () => {
  const { backend, client, prefix } = await redisPlace();
  const served = await serve({ backend, session: { touchAfterMs: 0 } });
  const browser = await signIn(served);
  const key = `${prefix}sess:${sidOf(browser)}`;
  const data = JSON.parse((await client.get(key)) as string) as SessionData;
  Object.assign(data.cookie, { originalMaxAge: false, expires: false });
  await client.set(key, JSON.stringify(data), { expiration: { type: "EX", value: 80_000 } });
  const lastSeen = async () => (await served.users.listUserSessions("ada"))[0]?.lastSeenAt ?? 0;
  expect(Math.abs((await lastSeen()) - (Date.now() - 6_400_000))).toBeLessThan(10_000);
  await browser.get("/me");
  await eventually(async () => expect(Math.abs((await lastSeen()) - Date.now())).toBeLessThan(10_000));
});
