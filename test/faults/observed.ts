import assert from "node:assert/strict";
import type { WebSocket } from "ws";
import type { Backend } from "../../lib/index.ts";
import { Browser, type BrowserResponse, messages } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import type { ListeningServer } from "../support/http-server.ts";

export type Answer = Pick<BrowserResponse, "status" | "body">;

/** The session cookie that a browser has; empty if it has none. */
export function cookieOf({ cookies }: Browser): string {
  return cookies.get("connect.sid") ?? "";
}

/** The id in a session cookie. */
export function sidOf(cookie: string): string {
  const value = decodeURIComponent(cookie);
  return value.slice("s:".length, value.lastIndexOf("."));
}

/** The user of a cookie's session, on either node. */
export async function me(
  [node]: readonly ListeningServer[],
  cookie: string,
): Promise<{ sid: string; userId: string | null }> {
  const answer = await answered(async () => {
    const browser = new Browser((node as ListeningServer).url, { keepAlive: false });
    if (cookie) browser.cookies.set("connect.sid", cookie);
    const response = await browser.get("/me");
    browser.close();
    return response;
  });
  return JSON.parse(answer.body) as { sid: string; userId: string | null };
}

/** The answer without a fault. The call is repeated, because a machine under load may be slower than `timeoutMs`. */
export async function answered(ask: () => Promise<Answer>): Promise<Answer> {
  let answer = await ask();
  for (let times = 0; times < 10 && answer.status === 503; times++) answer = await ask();
  assert.equal(answer.status, 200, "without a fault, a request is answered");
  return answer;
}

interface State {
  /** The stored sessions of the user with their expiries, by their ids. */
  readonly sessions: Map<string, { data: Record<string, unknown>; expiresAt: number }>;
  /** The expiries of the index entries. A revoked entry has none. */
  readonly entries: Map<string, number>;
}

/** The data of a user in the backend, read without faults. `sids` are sessions that may no longer have a user. */
export async function stateOf(backend: Backend, user: string, sids: Iterable<string> = []): Promise<State> {
  const entries = new Map<string, number>();
  for (const { sid, expiresAt } of await backend.sessionIndex.entries(user)) entries.set(sid, expiresAt);
  // Sessions of a failed deletion, which the next deletion finds.
  for (const sid of await backend.sessionIndex.revoked(user)) entries.set(sid, Number.POSITIVE_INFINITY);
  const known = [...new Set([...entries.keys(), ...sids])];
  const expiries = await backend.sessions.expiries(known);
  const sessions: State["sessions"] = new Map();
  for (const [at, sid] of known.entries()) {
    const stored = await backend.sessions.read(sid);
    const expiresAt = expiries[at];
    if (stored?.data.login?.userId === user && expiresAt !== undefined)
      sessions.set(sid, { data: stored.data as never, expiresAt });
  }
  return { sessions, entries };
}

/** The answer of a line about itself. */
interface Who {
  readonly sid: string;
  readonly userId: string | null;
  readonly groups: readonly string[];
}

let asked = 0;

/** Whose a line says that it is; `undefined` if it is closed, or answers nobody any more. */
export async function whoIs(line: WebSocket): Promise<Who | undefined> {
  const id = ++asked;
  line.send(JSON.stringify({ event_type: "whoami", id }), () => {});
  for (let turns = 0; turns < 50 && line.readyState === line.OPEN; turns++) {
    const answers = messages(line).all.map((text) => JSON.parse(text) as { id?: number; data: never });
    const answer = answers.find((each) => each.id === id);
    if (answer) return answer.data;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return undefined;
}

/**
 * Asserts that each open line has a stored session and is in the groups of its user. A user counts as online exactly if a
 * line is open.
 */
export async function assertLines(
  { backend, online }: { readonly backend: Backend; readonly online: ReadonlyMap<string, number> },
  user: string,
  lines: readonly WebSocket[],
): Promise<void> {
  await eventually(
    async () => {
      for (const line of lines) {
        const answer = line.readyState === line.OPEN ? await whoIs(line) : undefined;
        if (answer?.userId !== user) continue;
        const { sessions } = await stateOf(backend, user, [answer.sid]);
        assert.ok(sessions.has(answer.sid), "a connection stays open whose session is gone");
        const groups = await backend.memberships.groupsOf(user);
        assert.deepEqual(answer.groups, groups, "a connection is in other groups than its user");
      }
      const [isOnline] = await backend.registry.online([user]);
      assert.equal(online.get(user) ?? 0, isOnline ? 1 : 0, "online and offline were not told in turns");
    },
    { withinMs: 5_000 },
  );
}

export async function closeAll(lines: readonly WebSocket[], browsers: readonly Browser[]): Promise<void> {
  for (const line of lines) line.terminate();
  for (const browser of browsers) browser.close();
}
