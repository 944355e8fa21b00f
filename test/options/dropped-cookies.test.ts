import { type SessionMiddlewareOptions, sessionMiddleware } from "../../lib/index.ts";

/** Combinations of options that are each valid alone. */
const made = (options: SessionMiddlewareOptions) => () => sessionMiddleware({ secret: "s", ...options });

// Once, they were accepted, and the browser kept no cookie.
test.each<[options: SessionMiddlewareOptions, said: string]>([
  [{ cookie: { sameSite: "none", secure: false } }, 'sameSite: "none" needs secure'],
  [{ cookie: { partitioned: true, secure: false } }, "partitioned: true needs secure"],
  [{ name: "__Secure-sid", cookie: { secure: false } }, 'begins with "__Secure-" needs secure'],
  [{ name: "__Host-sid", cookie: { secure: false } }, 'begins with "__Host-" needs secure'],
  [{ key: "__host-sid", cookie: { domain: "a.example" } }, "needs the path"],
  [{ name: "__Host-sid", cookie: { path: "/admin" } }, "needs the path"],
])("%j is a TypeError", (options, said) => {
  expect(made(options)).toThrow(TypeError);
  expect(made(options)).toThrow(said);
});

test.each<[options: SessionMiddlewareOptions]>([
  [{ cookie: { sameSite: "none" } }],
  [{ cookie: { sameSite: "none", secure: true } }],
  [{ cookie: { sameSite: "auto", secure: false } }],
  [{ cookie: { partitioned: true, secure: "auto" } }],
  [{ name: "__Host-sid", cookie: { secure: true, path: "/" } }],
  [{ name: "__Secure-sid", cookie: { domain: "a.example" } }],
])("%j is accepted", (options) => {
  expect(made(options)).not.toThrow();
});
