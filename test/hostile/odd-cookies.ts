import fc, { type Arbitrary } from "fast-check";
import { mostly, oddValues } from "./odd-text.ts";

/** Lines of cookies: none, or some that nobody has set, that are no cookies, or far too many. */
export const oddCookies: Arbitrary<readonly string[]> = mostly<readonly string[]>(
  [],
  fc.oneof(
    fc.constantFrom(
      ["Cookie: connect.sid=s%3Aguess.guess"],
      ["Cookie: connect.sid=%"],
      ['Cookie: connect.sid=j:{"__proto__":1}'],
      ["Cookie: __proto__=1; constructor=2; connect.sid.guest.=1"],
      [`Cookie: ${"connect.sid=s%3Aa.b; ".repeat(500)}`],
      [`Cookie: ${Array.from({ length: 400 }, (_, at) => `connect.sid.guest.${at}=1`).join("; ")}`],
      ["Cookie: a=1", "Cookie: connect.sid=s%3A.", "Cookie: ;;;==="],
    ),
    oddValues.map((value) => [`Cookie: connect.sid=${value}`]),
    oddValues.map((value) => [`Cookie: connect.sid.guest.${value}=1`]),
  ),
);
