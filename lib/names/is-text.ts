/**
 * Whether a value is text that can be part of a key. Half of a surrogate pair cannot: it has no UTF-8 form, so all
 * such halves would be the same in a key.
 */
export function isText(value: unknown): value is string {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}
