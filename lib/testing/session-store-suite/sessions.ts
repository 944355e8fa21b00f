import assert from "node:assert/strict";
import type { SessionData } from "express-session";
import { newCookie } from "../../sessions/data/inflate-cookie.ts";
import type { ConnectionHolder, Ending, EndReason } from "../../sessions/session-endings.ts";
import type { Base, SessionSnapshot, SessionStore, StoredSession } from "../../sessions/session-store.ts";

export type Contents = Record<string, unknown>;

const minuteMs = 60_000;

/** The life of a session whose end a rule waits for. */
const shortMs = 50;

/** The data of a session with a Cookie, as the stack has it. A `maxAge` of `null` means no expiry. */
export function sessionData(contents: Contents, maxAge: number | null = minuteMs): SessionData {
  return { cookie: newCookie({ maxAge }), ...contents } as SessionData;
}

export function snapshot(contents: Contents, maxAge: number | null = minuteMs): SessionSnapshot {
  return snapshotOf(sessionData(contents, maxAge));
}

export function snapshotOf(data: SessionData): SessionSnapshot {
  return { data, json: JSON.stringify(data) };
}

/** The base of a writer that has written `json`, for which the store has returned this version. */
export function baseOf({ json }: SessionSnapshot, version: string = json): Base {
  return { json, version };
}

/** Stores a new session, and returns the base of its writer. */
export async function insert(
  store: SessionStore,
  sid: string,
  contents: Contents,
  maxAge: number | null = minuteMs,
): Promise<Base> {
  const next = snapshot(contents, maxAge);
  const result = await store.write(sid, next, undefined);
  assert.ok(result.outcome === "written", result.outcome);
  return baseOf(next, result.version);
}

/** Stores a new session that expires soon, and returns the base of its writer. */
export async function insertShort(store: SessionStore, sid: string, contents: Contents = {}): Promise<Base> {
  for (let triesLeft = 9; ; triesLeft--) {
    const next = snapshot(contents, shortMs);
    const result = await store.write(sid, next, undefined);
    if (result.outcome === "written") return baseOf(next, result.version);
    assert.equal(result.outcome, "expired");
    // The session may expire before the store reads it, if this process stands still. Another attempt follows.
    assert.ok(Date.now() >= Number(next.data.cookie.expires), "told of as expired before its time");
    assert.ok(triesLeft > 0, "expired each time");
  }
}

/** Reads a session that must be stored. */
export async function readStored(store: SessionStore, sid: string): Promise<StoredSession> {
  const stored = await store.read(sid);
  assert.ok(stored, `session ${JSON.stringify(sid)} is not stored`);
  return stored;
}

/** The contents of a session without its cookie. */
export function contentsOf({ data }: SessionSnapshot): Contents {
  return Object.fromEntries(Object.entries(data).filter(([key]) => key !== "cookie"));
}

export async function assertStored(store: SessionStore, sid: string, contents: Contents): Promise<void> {
  assert.deepEqual(contentsOf(await readStored(store, sid)), contents);
}

export async function assertGone(store: SessionStore, sid: string, message?: string): Promise<void> {
  assert.equal(await store.read(sid), undefined, message);
}

/** A connection holder without connections. */
export const NO_CONNECTIONS: Omit<ConnectionHolder, "end"> = {
  count: () => 0,
  sidOf: () => undefined,
  sidsOf: () => [],
  revalidate() {},
  revalidateAll() {},
};

/** Returns a list that fills with the sessions whose connections are closed. */
export function announcements(store: SessionStore): [sid: string, reason: EndReason][] {
  const heard: [string, EndReason][] = [];
  store.endings.hold({
    ...NO_CONNECTIONS,
    end: (sid, reason) => heard.push([sid, reason]),
  });
  return heard;
}

/** Returns a list that fills with the endings that listeners are told. */
export function endingsHeard(store: SessionStore): Ending[] {
  const heard: Ending[] = [];
  store.endings.onEnding((ending) => heard.push(ending));
  return heard;
}

/** Calls a function with a Node callback, and resolves to its value. */
export function called<T = void>(call: (done: (error?: unknown, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}
