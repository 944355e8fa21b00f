import type { SessionData } from "express-session";
import { mergeChanges } from "../../lib/sessions/data/merge.ts";

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2030, 0, 1);

interface CookieText {
  originalMaxAge: number | null;
  expires: string | null;
  httpOnly: boolean;
  path: string;
  sameSite?: string;
}

/** A session cookie as it stands in the stored text, written at a time with a maxAge. */
function cookie(writtenAt: number, maxAge: number | null, more: Partial<CookieText> = {}): CookieText {
  const expires = maxAge === null ? null : new Date(writtenAt + maxAge).toISOString();
  return { originalMaxAge: maxAge, expires, httpOnly: true, path: "/", ...more };
}

function merged(base: CookieText | undefined, mine: CookieText, theirs: CookieText): unknown {
  const [before, me, them] = [base, mine, theirs].map((text) => ({ cookie: text }) as unknown as SessionData);
  const { cookie } = mergeChanges(base && before, me as SessionData, them as SessionData);
  return JSON.parse(JSON.stringify(cookie));
}

/** Every save moves `expires`; only what else changes in a cookie is a change. */
describe("mergeChanges, of cookies,", () => {
  const base = cookie(start, day);

  it("takes the later expiry of both when nobody changed more", () => {
    const [earlier, later] = [cookie(start + hour, day), cookie(start + 2 * hour, day)];
    expect(merged(base, earlier, later)).toEqual(later);
    expect(merged(base, later, earlier)).toEqual(later);
    expect(merged(base, later, later)).toEqual(later);
  });

  it("takes a maxAge that only I changed, even a shorter one", () => {
    for (const maxAge of [hour, 30 * day]) {
      const mine = cookie(start + hour, maxAge);
      expect(merged(base, mine, cookie(start + 2 * hour, day))).toEqual(mine);
    }
  });

  it("takes a longer maxAge that only they changed", () => {
    const theirs = cookie(start + hour, 30 * day);
    expect(merged(base, cookie(start + 2 * hour, day), theirs)).toEqual(theirs);
  });

  it("takes a shorter maxAge that only they changed, with its expiry", () => {
    const theirs = cookie(start + hour, hour);
    expect(merged(base, cookie(start + 2 * hour, day), theirs)).toEqual(theirs);
  });

  it("takes the maxAge of the last writer, me, when both changed it", () => {
    const mine = cookie(start + hour, 2 * hour);
    expect(merged(base, mine, cookie(start + hour, 30 * day))).toEqual(mine);
  });

  it("takes another attribute that only they, or only I, changed", () => {
    const strict = cookie(start + hour, day, { sameSite: "strict" });
    expect(merged(base, cookie(start, day), strict)).toEqual(strict);
    const later = cookie(start + 2 * hour, day);
    expect(merged(base, strict, later)).toEqual({ ...later, sameSite: "strict" });
  });

  it("takes an age that they changed and another attribute that I changed, in either order", () => {
    const longer = cookie(start + hour, 30 * day);
    const strict = cookie(start + 2 * hour, day, { sameSite: "strict" });
    const both = { ...longer, sameSite: "strict" };
    expect(merged(base, strict, longer)).toEqual(both);
    expect(merged(base, longer, strict)).toEqual(both);
  });

  it("leaves a cookie without expiry as it is", () => {
    const none = cookie(start, null);
    expect(merged(none, none, none)).toEqual(none);
  });

  it("takes an expiry that only they added to a cookie without one", () => {
    const none = cookie(start, null);
    const theirs = cookie(start, day);
    expect(merged(none, none, theirs)).toEqual(theirs);
    expect(merged(none, theirs, none)).toEqual(theirs);
  });

  it("removes an expiry that only one of us removed", () => {
    const none = cookie(start, null);
    expect(merged(base, none, cookie(start + hour, day))).toEqual(none);
    expect(merged(base, cookie(start + hour, day), none)).toEqual(none);
  });

  it("takes my cookie when I had loaded nothing", () => {
    const mine = cookie(start, hour);
    expect(merged(undefined, mine, cookie(start, day))).toEqual(mine);
  });
});
