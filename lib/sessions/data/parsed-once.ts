import type { SessionData } from "express-session";

let lastJson: string | undefined;
let lastData: SessionData | undefined;

/**
 * What a stored text says, to be compared with and never changed. Of the same text several times in a row it is parsed
 * once: requests of one session that come together compare with the same.
 */
export function parsedOnce(json: string): SessionData {
  if (lastJson !== json || !lastData) {
    lastData = JSON.parse(json) as SessionData;
    lastJson = json;
  }
  return lastData;
}
