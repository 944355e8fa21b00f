import { assertSessionData, type StoredSession, sessionUnreadable } from "../session-store.ts";

/**
 * Parses a stored session. The text itself serves as version and JSON, so a session that is only read is not
 * serialised.
 */
export function storedJson(text: string): StoredSession {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // The parser's own error is not passed on, because it quotes the text.
    throw sessionUnreadable();
  }
  assertSessionData(data);
  return { data, version: text, json: text };
}
