import { hash } from "node:crypto";

/**
 * This text is hashed before the id. So no digest equals one that an app makes of the same id, for example to name a
 * device on a page.
 */
const PURPOSE = "express-session-stack:session:";

/** 132 bits: two sessions never share a digest in practice. */
const LENGTH = 22;

/**
 * Returns the name by which nodes refer to a session in their messages. A node that holds the session finds it by
 * this digest. Nobody can find the id from it.
 *
 * The hash is SHA-256 without a key. All nodes must compute the same digest, and the secrets of cookies may differ
 * between nodes during a rotation. An id of 192 random bits cannot be guessed by trying.
 */
export function digestOf(sid: string): string {
  return hash("sha256", PURPOSE + sid, "base64url").slice(0, LENGTH);
}
