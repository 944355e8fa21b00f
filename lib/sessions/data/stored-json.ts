import { assertSessionData, type StoredSession, sessionUnreadable } from "../session-store.ts";

/** A session of its JSON. The text itself is the version and the JSON: a session that is only read is not written out for it. */
export function storedJson(text: string): StoredSession {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // The parser's own error is not passed on: it quotes what it could not read.
    throw sessionUnreadable();
  }
  assertSessionData(data);
  return { data, version: text, json: text };
}
