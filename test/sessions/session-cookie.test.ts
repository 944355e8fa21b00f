import { Cookie } from "express-session";
import { inflateCookie, newCookie } from "../../lib/sessions/data/inflate-cookie.ts";
import { cookieOf, SessionCookie } from "../../lib/sessions/data/session-cookie.ts";

const at = Date.UTC(2040, 0, 1);
const text = new Date(at).toISOString();
const hour = 3_600_000;

/** The stored data of a cookie. */
function stored(cookie: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(cookie));
}

function cookie(options?: object): Record<string, unknown> & { data: object } {
  return new SessionCookie(options) as never;
}

describe("SessionCookie", () => {
  it("is express-session's Cookie, and looks like one", () => {
    const ours = cookie({ maxAge: null, secure: true });
    const theirs = new (Cookie as unknown as new (options: object) => object)({ maxAge: null, secure: true });
    expect(ours).toBeInstanceOf(Cookie);
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    const [mine, peers]: string[][] = [[], []];
    for (const name in ours) mine?.push(name);
    for (const name in theirs) peers?.push(name);
    expect(mine?.sort()).toEqual(peers?.sort());
    expect(JSON.stringify(ours)).toBe(JSON.stringify(theirs));
  });

  it.each<[string, unknown]>([
    ["a Date", new Date(at)],
    ["text", text],
    ["a number", at],
  ])("accepts %s as its expiry, as an option or set later", (_, expires) => {
    const later = cookie();
    later.expires = expires;
    for (const made of [cookie({ expires }), later, newCookie({ expires }) as never]) {
      expect(made.expires).toEqual(new Date(at));
      expect(made.originalMaxAge).toBeGreaterThan(0);
      expect(Math.abs((made.originalMaxAge as number) - (at - Date.now()))).toBeLessThan(1_000);
      expect(stored(made).expires).toBe(text);
    }
  });

  // Once, `false` stayed in the cookie, where a Date or a number of milliseconds was expected.
  it.each<[string, unknown]>([
    ["false", false],
    ["null", null],
    ["undefined", undefined],
  ])("treats %s as no expiry, as `expires` and as `maxAge`", (_, none) => {
    for (const name of ["expires", "maxAge"]) {
      const later = cookie({ maxAge: hour });
      later[name] = none;
      for (const made of [cookie({ [name]: none }), later]) {
        expect([made.expires, made.maxAge, made.originalMaxAge]).toEqual([null, null, null]);
        expect(stored(made)).toMatchObject({ expires: null, originalMaxAge: null });
      }
    }
  });

  it("keeps exactly the given age, even 0 or a negative one, and treats a Date as an expiry", () => {
    for (const maxAge of [hour, 0, -1_000, 0.5]) {
      const made = cookie({ maxAge: 1 });
      made.maxAge = maxAge;
      expect(made.originalMaxAge).toBe(maxAge);
      expect(Math.abs((made.maxAge as number) - maxAge)).toBeLessThan(1_000);
    }
    const dated = cookie({ maxAge: new Date(at) });
    expect(dated.expires).toEqual(new Date(at));
  });

  it.each<[string, string, unknown]>([
    ["text that is no date", "expires", "soon"],
    ["the empty text", "expires", ""],
    ["an invalid Date", "expires", new Date(Number.NaN)],
    ["NaN", "expires", Number.NaN],
    ["Infinity", "expires", Number.POSITIVE_INFINITY],
    ["true", "expires", true],
    ["an object", "expires", {}],
    ["text", "maxAge", "1h"],
    ["the text of a number", "maxAge", "60000"],
    ["NaN", "maxAge", Number.NaN],
    ["Infinity", "maxAge", Number.POSITIVE_INFINITY],
    ["more than there are dates", "maxAge", 1e300],
    ["true", "maxAge", true],
  ])("throws for %s as %s and stays unchanged", (_, name, wrong) => {
    const made = cookie({ maxAge: hour });
    const before = stored(made);
    const named = new RegExp(`^cookie\\.${name} must be`);
    expect(() => {
      made[name] = wrong;
    }).toThrow(named);
    expect(() => Object.assign(made, { [name]: wrong })).toThrow(TypeError);
    expect(() => cookie({ [name]: wrong })).toThrow(named);
    expect(stored(made)).toEqual(before);
  });

  it("does not share its Date with the caller that passed it", () => {
    const given = new Date(at);
    const made = cookie({ expires: given });
    given.setTime(Number.NaN);
    expect(made.expires).toEqual(new Date(at));
  });

  it("can be made from a copy of another, from a stored cookie, and from express-session's", () => {
    const original = cookie({ maxAge: hour, path: "/app", sameSite: "strict" });
    const theirs = Object.assign(new (Cookie as unknown as new (options: object) => object)({}), {
      maxAge: hour,
      path: "/app",
      sameSite: "strict",
    });
    for (const replaced of [{ ...original }, theirs]) {
      const holder = { cookie: replaced } as never;
      const made = cookieOf(holder);
      expect(made).toBeInstanceOf(SessionCookie);
      expect(cookieOf(holder)).toBe(made);
      expect(stored(made)).toMatchObject({ path: "/app", sameSite: "strict", httpOnly: true });
      expect(Math.abs((made.originalMaxAge as number) - hour)).toBeLessThan(1_000);
    }
    expect(cookieOf({ cookie: { ...original, maxAge: 5 * hour } } as never).originalMaxAge).toBe(5 * hour);
    expect(() => cookieOf({ cookie: { ...original, _expires: "soon" } } as never)).toThrow(/cookie\.expires/);
    for (const wrong of [undefined, null, "a cookie", 1])
      expect(() => cookieOf({ cookie: wrong } as never)).toThrow(/^session\.cookie must be/);
  });
});

describe("inflateCookie", () => {
  it.each<[string, object, number | null, number | null]>([
    ["an age and a text", { originalMaxAge: hour, expires: text }, at, hour],
    [
      "an age and a Date, as a serializer may give it",
      { originalMaxAge: hour, expires: new Date(at) },
      at,
      hour,
    ],
    ["an age and a number", { originalMaxAge: hour, expires: at }, at, hour],
    ["neither", { originalMaxAge: null, expires: null }, null, null],
    ["nothing", {}, null, null],
    ["false, as express-session stores it", { originalMaxAge: false, expires: false }, null, null],
    ["an expiry without an age", { expires: text }, at, null],
  ])("reads a cookie that is stored with %s", (_, data, expires, age) => {
    const made = inflateCookie({ path: "/", ...data } as never);
    expect(made).toBeInstanceOf(SessionCookie);
    expect(made.expires).toEqual(expires === null ? null : new Date(expires));
    expect(made.originalMaxAge).toBe(age);
    expect(inflateCookie(made)).toBe(made);
  });

  it("counts the age from now where express-session stored an expiry as the age", () => {
    for (const expires of [at, text]) {
      const { originalMaxAge } = inflateCookie({ originalMaxAge: expires, expires } as never);
      expect(Math.abs((originalMaxAge as number) - (at - Date.now()))).toBeLessThan(1_000);
    }
  });

  it.each<[string, object]>([
    ["an expiry that is no date", { expires: "soon", originalMaxAge: hour }],
    ["an expiry that is true", { expires: true }],
    ["an age that is text", { originalMaxAge: "soon", expires: null }],
    ["a maxAge that is text", { maxAge: "soon" }],
  ])("reports %s as unreadable and does not quote it", (_, data) => {
    const inflate = () => inflateCookie(data as never);
    expect(inflate).toThrow(expect.objectContaining({ code: "ERR_SESSION_UNREADABLE" }));
    expect(inflate).not.toThrow(/soon/);
  });
});
