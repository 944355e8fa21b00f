import session, { type SessionData } from "express-session";
import { type Place, places } from "./support.ts";

type Done = (error?: unknown, data?: SessionData | null) => void;

/** A store that keeps the objects that it is given, and returns the same objects. */
export class ReferenceStore extends session.Store {
  readonly kept = new Map<string, SessionData>();

  get(sid: string, done: Done): void {
    setImmediate(done, null, this.kept.get(sid) ?? null);
  }

  set(sid: string, data: SessionData, done?: Done): void {
    this.kept.set(sid, data);
    if (done) setImmediate(done);
  }

  override touch(sid: string, data: SessionData, done?: Done): void {
    this.kept.set(sid, data);
    if (done) setImmediate(done);
  }

  destroy(sid: string, done?: Done): void {
    this.kept.delete(sid);
    if (done) setImmediate(done);
  }
}

/** The backends and stores of every kind: one from npm, express-session's own, and one that keeps objects. */
export const cookiePlaces: typeof places = [
  ...places,
  { place: "express-session's MemoryStore", open: async () => ofStore(new session.MemoryStore()) },
  { place: "a store that keeps objects", open: async () => ofStore(new ReferenceStore()) },
];

function ofStore(store: session.Store): Place {
  return { options: { store }, store };
}

/** Counts the writes of whole sessions to a place. */
export function countWrites({ options: { backend }, store }: Place): jest.SpyInstance {
  return backend ? jest.spyOn(backend.sessions, "write") : jest.spyOn(store, "set");
}
