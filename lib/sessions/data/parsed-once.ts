import type { SessionData } from "express-session";

let lastJson: string | undefined;
let lastData: SessionData | undefined;

/**
 * Parses a stored text for comparison. The result must never be changed. The same text several times in a row is
 * parsed once: concurrent requests of one session compare with the same text.
 */
export function parsedOnce(json: string): SessionData {
  if (lastJson !== json || !lastData) {
    lastData = JSON.parse(json) as SessionData;
    lastJson = json;
  }
  return lastData;
}
