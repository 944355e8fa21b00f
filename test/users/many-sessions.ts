import type { SessionData } from "express-session";
import { inBatches } from "../../lib/calls/in-batches.ts";
import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { me, type Served, signIn } from "./support.ts";

/** More sessions of one user than calls may wait for the store. */
export const MANY = 12_000;

const lifeMs = 3_600_000;

/** Ids of sessions that a user is given here. */
export function sidsOf(userId: string, count: number = MANY): string[] {
  return Array.from({ length: count }, (_, n) => `${userId}-${String(n).padStart(6, "0")}`);
}

/** Sessions as a service makes them that logs in without keeping its cookie. */
export async function storeSessions(
  { sessions, sessionIndex }: Backend,
  userId: string,
  sids: readonly string[],
  { isIndexed = true, at = Date.now() - 60_000 }: { isIndexed?: boolean; at?: number } = {},
): Promise<void> {
  const cookie = { originalMaxAge: lifeMs, expires: new Date(Date.now() + lifeMs), path: "/" };
  await inBatches(
    sids.map((sid, n) => ({ sid, n })),
    async ({ sid, n }) => {
      const data = { cookie, login: { userId, at: at + n } } as unknown as SessionData;
      if (isIndexed) await sessionIndex.enter(userId, sid, lifeMs + n);
      const { outcome } = await sessions.write(sid, { data, json: JSON.stringify(data) }, undefined);
      expect(outcome).toBe("written");
    },
  );
}

/** How many of these sessions live. */
export async function living({ sessions }: Backend, sids: readonly string[]): Promise<number> {
  let count = 0;
  for (let from = 0; from < sids.length; from += 1_000) {
    const expiries = await sessions.expiries(sids.slice(from, from + 1_000));
    count += expiries.filter((expiry) => expiry !== undefined).length;
  }
  return count;
}

/** Has another user send requests while work is done, and expects all of them to be answered. */
export async function besideOthers<T>(served: Served, work: () => Promise<T>): Promise<T> {
  const browser = await signIn(served, "grace");
  let isDone = false;
  let answered = 0;
  const others = Array.from({ length: 4 }, async () => {
    while (!isDone) {
      expect(await me(browser)).toMatchObject({ login: { userId: "grace" } });
      await browser.post("/set", { json: { n: answered++ } }).then(({ status }) => expect(status).toBe(200));
    }
  });
  try {
    return await work();
  } finally {
    await eventually(() => expect(answered).toBeGreaterThan(4));
    isDone = true;
    await Promise.all(others);
  }
}
