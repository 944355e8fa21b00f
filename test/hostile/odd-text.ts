import fc, { type Arbitrary } from "fast-check";
import { halves, oddStrings } from "../../lib/testing/tools/odd-strings.ts";

/** What is right, and now and then something else: of many of these in one case, some are odd. */
export function mostly<T>(right: T, odd: Arbitrary<T>, weight = 9): Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: odd });
}

/** Any bytes, a character each. */
export const latin1: Arbitrary<string> = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

/** Values of headers that a server may trip over. */
export const oddValues: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\t",
    "\0",
    "\x7f",
    "\xff",
    '"',
    ",,,",
    "%00",
    "%E0%A4%A",
    "a\rb",
    "a\nb",
    "a\r\n b",
    "\x0b",
  ),
  fc.constantFrom("x".repeat(8_000), "x".repeat(20_000), ", ".repeat(5_000), '\\"'.repeat(100), "__proto__"),
  latin1,
);

/** Names of headers and methods. */
export const oddNames: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "a b",
    "\0",
    "é",
    "__proto__",
    "constructor",
    "Sec-WebSocket-Accept",
    "x".repeat(20_000),
    "\x7f",
    "a:b",
  ),
  latin1,
);

/** Names and ids as a client may choose them: of prototypes, of keys, of half characters, far too long ones, and any. */
export const oddIds: Arbitrary<string> = fc.oneof(
  fc.constantFrom(...oddStrings, ...halves),
  fc.constantFrom(
    "toString",
    "hasOwnProperty",
    "prototype",
    "valueOf",
    "toJSON",
    "then",
    "cookie",
    "length",
    "login",
    "id",
  ),
  fc.constantFrom(
    "x".repeat(257),
    "x".repeat(60_000),
    "\ud800".repeat(300),
    "\u0000".repeat(256),
    "{".repeat(256),
  ),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 260 })
    .map((units) => String.fromCharCode(...units)),
);
