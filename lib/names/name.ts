import { isText } from "./is-text.ts";

/** The longest that a user id, the name of a group or the type of an event may be, in UTF-16 code units, as `length` counts. */
export const MAX_NAME_LENGTH = 256;

/** Whether something may be a user id or the name of a group. Its length comes first: it may be as long as a message. */
export function isName(value: unknown): value is string {
  return isNameLength(value) && isText(value);
}

/** Whether a text is neither empty nor longer than a name may be. */
export function isNameLength(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH;
}
