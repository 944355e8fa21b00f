/**
 * Whether something is text that can be part of a key: half of a surrogate pair has no UTF-8, so that as part of a key
 * all of them are the same.
 */
export function isText(value: unknown): value is string {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}
