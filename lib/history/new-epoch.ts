import { randomBytes } from "node:crypto";

/** Makes the name of a new life of a channel. No two lives have the same one. */
export function newEpoch(): string {
  return randomBytes(9).toString("base64url");
}
