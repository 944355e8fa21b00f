import { types } from "node:util";
import type { SessionData } from "express-session";

/** A name that no session contains by chance. */
const KIND = "express-session-stack.kind";

/**
 * Returns JSON that compares two states of a session whose serializer keeps more than JSON does. Two dates, maps,
 * sets, bigints or errors have the same text only if they are equal. The cookie is written as in JSON.
 */
export function comparableJson(data: SessionData): string {
  const entries = Object.entries(data).map(([key, value]) => [key, key === "cookie" ? value : marked(value)]);
  return JSON.stringify(Object.fromEntries(entries));
}

function marked(value: unknown): unknown {
  const json = JSON.stringify(value, function (this: Record<string, unknown>, key, written: unknown) {
    // The original value is examined, not the result of its `toJSON`: a date and its text are different values.
    return described(this[key]) ?? written;
  });
  return json === undefined ? undefined : (JSON.parse(json) as unknown);
}

/**
 * Describes a value that JSON does not keep, in a form that JSON does keep. Returns `undefined` for any other value.
 */
function described(value: unknown): object | undefined {
  if (typeof value === "bigint") return kind("bigint", String(value));
  if (typeof value === "number" && !Number.isFinite(value)) return kind("number", String(value));
  if (types.isDate(value)) return kind("Date", String(value.getTime()));
  if (types.isMap(value)) return kind("Map", [...value]);
  if (types.isSet(value)) return kind("Set", [...value]);
  if (types.isRegExp(value)) return kind("RegExp", String(value));
  if (types.isNativeError(value)) return kind("Error", [value.name, value.message]);
  return undefined;
}

function kind(name: string, value: unknown): object {
  return { [KIND]: name, value };
}
