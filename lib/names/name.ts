import { isText } from "./is-text.ts";

/** The greatest length of a user id, a group name or an event type, in UTF-16 code units, as `length` counts. */
export const MAX_NAME_LENGTH = 256;

/**
 * Whether a value can be a user id or a group name. The length is checked first, because the value may be as long as
 * a message.
 */
export function isName(value: unknown): value is string {
  return isNameLength(value) && isText(value);
}

/** Whether a text is neither empty nor longer than a name may be. */
export function isNameLength(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH;
}
