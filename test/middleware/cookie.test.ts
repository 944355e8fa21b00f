import cookieParser from "cookie-parser";
import type { Request, RequestHandler, Response } from "express";
import request from "supertest";
import { cookieMiddleware } from "../../lib/index.ts";
import { signed, versions } from "./support.ts";

const value = encodeURIComponent;

/** The cookies that a middleware puts on a request with this header. */
function parsed(middleware: RequestHandler, cookie?: string) {
  const req = { headers: cookie === undefined ? {} : { cookie } } as Request;
  let error: unknown = "next was not called";
  middleware(req, {} as Response, (given) => {
    error = given;
  });
  const { cookies, signedCookies, secret } = req as Request & { secret?: unknown };
  return { error, cookies: { ...cookies }, signedCookies: { ...signedCookies }, secret };
}

const HEADERS: [title: string, header: string | undefined][] = [
  ["no header", undefined],
  ["an empty header", ""],
  ["one cookie", "a=1"],
  ["several cookies", "a=1; b=2;c=3"],
  ["a cookie twice: the first counts", "a=1; a=2"],
  ["an empty value", "a=; b=2"],
  ["an equals sign in the value", "a=b=c=="],
  ["space around", "  a = 1 ;  b= 2"],
  ["a value in quotes", 'a="1 2"; b="'],
  ["percent encoding", "a=%F0%9F%8D%AA; b=x%20y"],
  ["malformed percent encoding", "a=%; b=%E0%A4%A; c=%zz; d=1"],
  ["no equals sign", "a; b=1; ; c"],
  ["names that objects inherit", "constructor=1; toString=2; hasOwnProperty=3"],
  ["JSON", `a=${value('j:{"n":[1,2]}')}; b=${value('j:"text"')}; c=j:true`],
  ["JSON that is false as a boolean", 'a=j:0; b=j:false; c=j:null; d=j:""'],
  ["broken JSON", "a=j:; b=j:{; c=j:undefined; d=J:1"],
  ["a signed cookie", `a=${signed("tobi", "first")}`],
  ["signed by an older secret", `a=${signed("tobi", "second")}`],
  ["signed by a stranger", `a=${signed("tobi", "foreign")}`],
  ["signed without text", `a=${signed("", "first")}`],
  ["signed JSON", `a=${signed('j:{"n":1}', "first")}; b=${signed("j:{", "first")}`],
  ["a signature cut off", `a=${signed("tobi", "first").slice(0, -4)}; b=s:; c=s:tobi; d=s:tobi.`],
  ["signed and plain side by side", `a=${signed("tobi", "first")}; b=2; c=${signed("x", "foreign")}`],
];

const SECRETS: [title: string, secret: string | string[] | undefined][] = [
  ["no secret", undefined],
  ["one secret", "first"],
  ["two secrets", ["first", "second"]],
  ["an empty list of secrets", []],
];

describe.each(SECRETS)("cookieMiddleware with %s", (_title, secret) => {
  test.each(HEADERS)("reads the same as cookie-parser: %s", (_header, header) => {
    const options = secret === undefined ? {} : { secret };
    expect(parsed(cookieMiddleware(options), header)).toEqual(parsed(cookieParser(secret), header));
  });
});

test.each([[""], [["right", ""]], [[undefined]], [null]])(
  "a secret of %j is a TypeError, because anybody could sign with it",
  (wrong) => {
    expect(() => cookieMiddleware({ secret: wrong as never })).toThrow(/option "secret"/);
  },
);

test("decodes with a decode function of the app's own", () => {
  const decode = (text: string) => text.toUpperCase();
  expect(parsed(cookieMiddleware({ decode }), "a=x%20y")).toEqual(
    parsed(cookieParser(undefined, { decode }), "a=x%20y"),
  );
});

test("keeps a cookie named __proto__ as a cookie like any other", () => {
  const req = { headers: { cookie: `__proto__=${value('j:{"isAdmin":true}')}; a=1` } } as Request;
  cookieMiddleware()(req, {} as Response, () => {});
  expect(Object.keys(req.cookies)).toEqual(["__proto__", "a"]);
  expect(Object.getPrototypeOf(req.cookies)).toBeNull();
  expect(req.cookies.isAdmin).toBeUndefined();
  expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
});

test("does not change a request that another cookie parser has parsed", () => {
  const cookies = { seen: "before" };
  const req = { headers: { cookie: "a=1" }, cookies } as unknown as Request;
  cookieMiddleware({ secret: "first" })(req, {} as Response, () => {});
  expect(req.cookies).toBe(cookies);
  expect(req).not.toHaveProperty("secret");
});

describe.each(versions)("in $version", ({ createApp }) => {
  test("lets res.cookie sign with the first secret", async () => {
    const app = createApp();
    app.use(cookieMiddleware({ secret: ["first", "second"] }));
    app.get("/set", (_req, res) => {
      res.cookie("name", { n: 1 }, { signed: true }).cookie("plain", "x").end();
    });
    app.get("/get", (req, res) => {
      res.json({ signed: req.signedCookies, plain: req.cookies });
    });
    const agent = request.agent(app);
    const response = await agent.get("/set").expect(200);
    expect(response.get("Set-Cookie")?.[0]).toContain(`name=${signed('j:{"n":1}', "first")};`);
    await agent.get("/get").expect({ signed: { name: { n: 1 } }, plain: { plain: "x" } });
  });
});
