import { type CipherKey, createSecretKey } from "node:crypto";
import cookieParser from "cookie-parser";
import type { RequestHandler } from "express";
import { cookieMiddleware, sessionMiddleware } from "../../lib/index.ts";
import { browse, countUp, places, secret, signed, versions } from "./support.ts";

const old = "an old secret of these tests, at least 32 bytes";
const next = "the next secret of these tests, 32 bytes and more";

describe.each(versions)("in $version", ({ createApp }) => {
  async function visit(...middlewares: RequestHandler[]) {
    const app = createApp();
    for (const middleware of middlewares) app.use(middleware);
    app.get("/", (req, res) => void res.json(countUp(req)));
    app.get("/signed", (req, res) => void res.json(req.signedCookies));
    app.get("/sign", (_req, res) => void res.cookie("a", "b", { signed: true }).end());
    app.use(((error: Error, _req, res, _next) => {
      res.status(500).send(`${error.name}: ${error.message}`);
    }) as import("express").ErrorRequestHandler);
    return browse(app);
  }

  describe.each(places)("on $place", ({ open }) => {
    // Once, a signature that had been seen stayed accepted as long as the array was the same object.
    test("a secret that is removed from the array opens nothing, even for signatures seen before", async () => {
      const secrets = [next, old];
      const { options } = await open();
      const before = await visit(sessionMiddleware({ secret: [old], ...options }));
      await before.get("/");
      const cookie = { cookie: `connect.sid=${before.cookies.get("connect.sid")}` };
      const browser = await visit(sessionMiddleware({ secret: secrets, ...options }));
      expect((await browser.get("/", { headers: cookie })).body).toBe("2");
      secrets.splice(1);
      expect((await browser.get("/", { headers: cookie })).body).toBe("1");
      secrets.push(old);
      expect((await browser.get("/", { headers: cookie })).body).toBe("3");
    });

    test("a secret that is inserted first signs from then on, and the others are still accepted", async () => {
      const secrets = [old];
      const { options } = await open();
      const browser = await visit(
        sessionMiddleware({ secret: secrets, cookie: { maxAge: 60_000 }, ...options }),
      );
      await browser.get("/");
      secrets.unshift(next);
      expect((await browser.get("/")).body).toBe("2");
      const [line] = (await browser.get("/")).setCookies;
      const sid = decodeURIComponent(String(line)).slice("connect.sid=s:".length).split(".")[0] ?? "";
      expect(line).toContain(signed(sid, next));
    });

    // Once, only the first secret reached the session, as req.secret, so a rotation logged everybody out.
    test("a session middleware without a secret accepts all secrets of cookieMiddleware", async () => {
      const { options } = await open();
      const before = await visit(cookieMiddleware({ secret: old }), sessionMiddleware(options));
      await before.get("/");
      const cookie = { cookie: `connect.sid=${before.cookies.get("connect.sid")}` };
      const secrets = [next, old];
      const browser = await visit(cookieMiddleware({ secret: secrets }), sessionMiddleware(options));
      expect((await browser.get("/", { headers: cookie })).body).toBe("2");
      secrets.pop();
      expect((await browser.get("/", { headers: cookie })).body).toBe("1");
    });
  });

  test("req.secret stays the first secret for other middlewares", async () => {
    const browser = await visit(cookieMiddleware({ secret: [next, old] }), sessionMiddleware());
    await browser.get("/sign");
    expect(browser.cookies.get("a")).toBe(signed("b", next));
  });

  test("a cookie-parser in front keeps its req.secret, and the secrets of cookieMiddleware are accepted too", async () => {
    const { options } = await (places[0] as (typeof places)[0]).open();
    const before = await visit(cookieMiddleware({ secret: old }), sessionMiddleware(options));
    await before.get("/");
    const cookie = { cookie: `connect.sid=${before.cookies.get("connect.sid")}` };
    for (const inFront of [cookieParser(next), cookieParser(secret), cookieParser()]) {
      const browser = await visit(
        inFront,
        cookieMiddleware({ secret: [next, old] }),
        sessionMiddleware(options),
      );
      await browser.get("/", { headers: cookie });
      expect(Number((await browser.get("/", { headers: cookie })).body)).toBeGreaterThan(2);
    }
  });

  test("a req.secret that the app sets later is the only secret", async () => {
    const { options } = await (places[0] as (typeof places)[0]).open();
    const setSecret: RequestHandler = (req, _res, go) => {
      Object.assign(req, { secret: old });
      go();
    };
    const before = await visit(cookieMiddleware({ secret: next }), sessionMiddleware(options));
    await before.get("/");
    const cookie = { cookie: `connect.sid=${before.cookies.get("connect.sid")}` };
    const browser = await visit(
      cookieMiddleware({ secret: [next, secret] }),
      setSecret,
      sessionMiddleware(options),
    );
    expect((await browser.get("/", { headers: cookie })).body).toBe("1");
    expect((await browser.get("/")).body).toBe("2");
  });

  test.each([
    ["an array that was emptied", (secrets: CipherKey[]) => secrets.splice(0)],
    ["an array with an empty secret", (secrets: CipherKey[]) => secrets.push("")],
    ["an array whose first is empty", (secrets: CipherKey[]) => secrets.unshift(Buffer.alloc(0))],
  ])("%s is an error of each request, and no other secret replaces it", async (_what, change) => {
    const secrets: CipherKey[] = [old];
    const browser = await visit(cookieParser(next), sessionMiddleware({ secret: secrets }));
    const cookie = { cookie: `connect.sid=${signed("an-id", "")}` };
    await browser.get("/");
    change(secrets);
    for (const headers of [{}, cookie]) {
      const response = await browser.get("/", { headers });
      expect([response.status, response.setCookies]).toEqual([500, []]);
      expect(response.body).toMatch(/^TypeError: sessionMiddleware: option "secret" is required/);
    }
    secrets.splice(0, secrets.length, old);
    expect((await browser.get("/")).body).toBe("2");
  });

  test("an empty array or an empty secret of cookieMiddleware is an error of each request", async () => {
    const secrets = [old];
    const browser = await visit(cookieMiddleware({ secret: secrets }), sessionMiddleware());
    await browser.get("/");
    await browser.get("/sign");
    expect((await browser.get("/signed")).json()).toMatchObject({ a: "b" });
    for (const secretsNow of [[], [next, ""]]) {
      secrets.splice(0, secrets.length, ...secretsNow);
      const response = await browser.get("/signed");
      expect([response.status, response.body]).toEqual([
        500,
        'TypeError: cookieMiddleware: option "secret" must not be empty, nor any of several',
      ]);
    }
    secrets.splice(0, secrets.length, next);
    expect((await browser.get("/signed")).json()).toMatchObject({ a: false });
  });

  test.each([
    ["a Buffer", Buffer.from(old)],
    ["a Uint8Array", new Uint8Array(Buffer.from(old))],
    ["an ArrayBuffer", new Uint8Array(Buffer.from(old)).buffer],
    ["a DataView", new DataView(new Uint8Array(Buffer.from(old)).buffer)],
  ])("%s opens nothing after its bytes are overwritten", async (_what, key) => {
    const bytes = ArrayBuffer.isView(key)
      ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength)
      : new Uint8Array(key);
    const browser = await visit(sessionMiddleware({ secret: key as CipherKey }));
    await browser.get("/");
    expect((await browser.get("/")).body).toBe("2");
    const cookie = { cookie: `connect.sid=${browser.cookies.get("connect.sid")}` };
    const before = bytes.slice();
    bytes.fill(0);
    expect((await browser.get("/", { headers: cookie })).body).toBe("1");
    bytes.set(before);
    expect((await browser.get("/", { headers: cookie })).body).toBe("3");
  });

  test("a KeyObject opens nothing after it is removed from the array", async () => {
    const keys = [createSecretKey(Buffer.from(next)), createSecretKey(Buffer.from(old))];
    const { options } = await (places[0] as (typeof places)[0]).open();
    const before = await visit(sessionMiddleware({ secret: old, ...options }));
    await before.get("/");
    const cookie = { cookie: `connect.sid=${before.cookies.get("connect.sid")}` };
    const browser = await visit(sessionMiddleware({ secret: keys, ...options }));
    expect((await browser.get("/", { headers: cookie })).body).toBe("2");
    keys.pop();
    expect((await browser.get("/", { headers: cookie })).body).toBe("1");
  });

  test("two middlewares with different secrets do not open each other's sessions", async () => {
    const { options } = await (places[0] as (typeof places)[0]).open();
    const one = await visit(sessionMiddleware({ secret: next, ...options }));
    const other = await visit(sessionMiddleware({ secret: old, ...options }));
    await one.get("/");
    await one.get("/");
    const cookie = { cookie: `connect.sid=${one.cookies.get("connect.sid")}` };
    expect((await other.get("/", { headers: cookie })).body).toBe("1");
  });
});

test("a decode function of cookieMiddleware that throws leaves the value unchanged, and does not end the process", async () => {
  const request = { headers: { cookie: "a=%; b=c" } } as never;
  const decode = (value: string) => {
    if (value === "%") throw new URIError("malformed");
    return value;
  };
  const gone: unknown[] = [];
  cookieMiddleware({ decode })(request, {} as never, (error) => gone.push(error));
  expect(gone).toEqual([undefined]);
  expect({ ...(request as { cookies: object }).cookies }).toEqual({ a: "%", b: "c" });
});
