import { hash } from "node:crypto";

/** Before the id, so that no digest is one that an app has made of the same id, such as to name a device on a page. */
const PURPOSE = "express-session-stack:session:";

/** 132 bits: no two sessions have the same. */
const LENGTH = 22;

/**
 * What nodes call a session by when they talk: whoever holds the session finds it by its digest, and nobody finds the id.
 *
 * SHA-256 without a key, since all nodes must have the same and the secrets of cookies may differ while they are changed:
 * an id of 192 random bits cannot be guessed by trying.
 */
export function digestOf(sid: string): string {
  return hash("sha256", PURPOSE + sid, "base64url").slice(0, LENGTH);
}
