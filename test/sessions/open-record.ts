import type { Request } from "express";
import type { Session, SessionData } from "express-session";
import { Bounds } from "../../lib/calls/bounds.ts";
import { BoundedSessionStore } from "../../lib/sessions/bounded-session-store.ts";
import { inflateCookie, newCookie } from "../../lib/sessions/data/inflate-cookie.ts";
import { BoundSession, type SessionActions } from "../../lib/sessions/record/bound-session.ts";
import type { RecordOwner } from "../../lib/sessions/record/record-owner.ts";
import type { SessionRecord } from "../../lib/sessions/record/session-record.ts";
import { SaveQueues } from "../../lib/sessions/saving/save-queues.ts";
import type { SessionStore } from "../../lib/sessions/session-store.ts";
import type { Contents } from "../../lib/testing/session-store-suite/sessions.ts";
import type { SessionIndex } from "../../lib/users/session-index/session-index.ts";

/** A record whose session can be written to as an app does. */
export interface OpenRecord {
  readonly record: SessionRecord;
  /** What `req.session` is. */
  readonly session: Session & Contents;
}

export interface OpenRecordOptions
  extends Partial<Pick<RecordOwner, "index" | "userIdOf" | "willSave" | "userChanged">> {
  /** @default 2_000 */
  timeoutMs?: number;
  /** The queues of the node that it belongs to. @default those of a node of its own */
  saves?: SaveQueues | undefined;
  /** Of a new session. @default 60_000 */
  maxAge?: number | null;
}

/** Stands for the index, which these stores do not keep. */
const confirming = { confirm: async () => true, remove: async () => {} } as unknown as SessionIndex;

/** Opens a session as the session middleware does for a request or a connection: the stored one, or a new one. */
export async function openRecord(
  store: SessionStore,
  sid: string,
  {
    timeoutMs = 2_000,
    maxAge = 60_000,
    userIdOf = () => undefined,
    willSave = () => {},
    userChanged = async () => {},
    index = confirming,
    saves,
  }: OpenRecordOptions = {},
): Promise<OpenRecord> {
  const bounded = new BoundedSessionStore(store, new Bounds(timeoutMs));
  const stored = await bounded.read(sid);
  const data = stored?.data ?? ({ cookie: newCookie({ maxAge }) } as SessionData);
  if (stored) data.cookie = inflateCookie(stored.data.cookie);
  const req = { sessionID: sid } as Request;
  const owner: RecordOwner = {
    store: bounded,
    index,
    saves: saves ?? new SaveQueues({ store: bounded, timeoutMs, userIdOf }),
    userIdOf,
    willSave,
    userChanged,
  };
  const session = new BoundSession(req, data, {} as SessionActions, owner, stored) as unknown as Session &
    Contents;
  return { record: BoundSession.recordOf(session), session };
}

/** The session's contents for the app, without the cookie. */
export function shown({ session }: OpenRecord): Contents {
  const { cookie: _, ...contents } = JSON.parse(JSON.stringify(session)) as Contents;
  return contents;
}
