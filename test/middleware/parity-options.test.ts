import type { Express, RequestHandler } from "express";
import type { CookieOptions } from "express-session";
import { describeParity, type Scenario } from "./parity.ts";
import { countUp, data, signed } from "./support.ts";

/** "/" counts, "/read" does not touch the session's contents. */
function counter(app: Express, session: RequestHandler): void {
  app
    .use(session)
    .get("/", (req, res) => void res.json(countUp(req)))
    .get("/read", (req, res) => void res.json(data(req).count ?? null));
}

function trustingCounter(app: Express, session: RequestHandler): void {
  app.set("trust proxy", 1);
  counter(app, session);
}

const overTls: [string, object] = ["GET /", { headers: { "x-forwarded-proto": "https" } }];
const overTlsTwice: [string, object] = ["GET /", { headers: { "x-forwarded-proto": "HTTPS , http" } }];
const overHttp: [string, object] = ["GET /", { headers: { "x-forwarded-proto": "http, https" } }];

// The middle of a minute, so a slow run is still within it.
const inTwoHours = new Date(Date.now() + 7_229_000);

const cookies: [title: string, cookie: CookieOptions & { sameSite?: unknown }][] = [
  ["path, domain, httpOnly: false", { path: "/", domain: "example.com", httpOnly: false }],
  ["priority and partitioned", { priority: "high", partitioned: true, secure: "auto" }],
  ["maxAge", { maxAge: 3_600_000 }],
  ["expires", { expires: inTwoHours }],
  ["expires and then maxAge", { expires: inTwoHours, maxAge: 60_000 }],
  ["maxAge and then expires", { maxAge: 60_000, expires: inTwoHours }],
  ["maxAge: null", { maxAge: null as never }],
  ...[true, false, "lax", "strict", "none", "auto"].map((sameSite): [string, CookieOptions] => [
    `sameSite: ${sameSite}`,
    // The stack refuses cookies that browsers drop.
    { sameSite: sameSite as "lax", ...(sameSite === "none" && { secure: "auto" }) },
  ]),
  ["secure: true", { secure: true, sameSite: "none" }],
  ['secure: "auto"', { secure: "auto", sameSite: "auto" as "lax" }],
];

const cookieScenarios: Scenario[] = cookies.map(([title, cookie]) => ({
  title: `cookie: ${title}`,
  options: { cookie },
  app: trustingCounter,
  // Only express-session stores the session of a secure cookie on plain HTTP. It is never found again.
  visits:
    cookie.secure === true ? [overTls, "GET /read", "GET /"] : [overHttp, "GET /read", overTls, "GET /"],
}));

describeParity([
  ...cookieScenarios,
  ...[undefined, true, false].map(
    (proxy): Scenario => ({
      title: `proxy: ${proxy}`,
      options: { cookie: { secure: "auto" }, ...(proxy === undefined ? {} : { proxy }) },
      app: counter,
      visits: [
        overTls,
        (browser) => browser.cookies.clear(),
        overTlsTwice,
        (browser) => browser.cookies.clear(),
        overHttp,
        "GET /",
      ],
    }),
  ),
  {
    title: "cookie as a function of the request",
    options: {
      cookie: (req) => ({ path: `/${req.url.split("/")[1]}`, httpOnly: false, maxAge: 60_000 }),
    },
    app: (app, session) =>
      app
        .use(session)
        .get("/one", (req, res) => void res.json(countUp(req)))
        .get("/two/three", (req, res) => void res.json(countUp(req))),
    visits: ["GET /one", "GET /two/three", (browser) => browser.cookies.clear(), "GET /two/three"],
  },
  {
    title: "name and genid",
    options: { name: "my.id", genid: (req) => `${req.method}-${req.path.length}-with spaces; and ü` },
    app: counter,
    visits: ["GET /", "GET /"],
  },
  ...[true, false].flatMap((resave) =>
    [true, false].flatMap((saveUninitialized) =>
      [true, false].map(
        (rolling): Scenario => ({
          title: `resave: ${resave}, saveUninitialized: ${saveUninitialized}, rolling: ${rolling}`,
          options: { resave, saveUninitialized, rolling, cookie: { maxAge: 60_000 } },
          app: counter,
          visits: ["GET /read", "GET /read", "GET /", "GET /read", "GET /"],
        }),
      ),
    ),
  ),
  {
    title: "rolling without an age",
    options: { rolling: true },
    app: counter,
    visits: ["GET /read", "GET /", "GET /read"],
  },
  {
    title: "a cookie path, asked for inside and outside",
    options: { cookie: { path: "/inside" } },
    app: (app, session) =>
      app.use(session).use((req, res) => void res.json(req.session ? countUp(req) : [typeof req.sessionID])),
    visits: ["GET /outside", "GET /inside", "GET /inside/deep?x=1", "GET /outside?x=/inside", "GET /insider"],
  },
  {
    title: "a mount path, with the cookie's path on it",
    options: { cookie: { path: "/mounted" } },
    app: (app, session) =>
      app
        .use("/mounted", session)
        .use((req, res) => void res.json(req.session ? countUp(req) : [typeof req.sessionStore])),
    visits: ["GET /", "GET /mounted", "GET /mounted/deep", "GET /"],
  },
  {
    title: "the middleware twice in one app",
    app: (app, session) =>
      app
        .use(session)
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req))),
    visits: ["GET /", "GET /"],
  },
  {
    title: "cookies that are forged, unsigned, empty, of an unknown session",
    app: counter,
    visits: [
      ...[
        `connect.sid=${signed("a-session", "a stranger's secret")}`,
        "connect.sid=s%3Aa-session.",
        "connect.sid=a-session",
        "connect.sid=",
        "connect.sid=%E0%A4%A",
        'connect.sid="',
        "; = ; connect.sid",
        `connect.sid=${signed("no-such-session")}`,
        `connect.sid=${signed("")}`,
        `other=1; connect.sid=x; connect.sid=${signed("second")}`,
        `xconnect.sid=${signed("other-name")}`,
      ].map((cookie): [string, object] => ["GET /", { headers: { cookie } }]),
    ],
  },
  {
    title: "a cookie in quotes",
    app: counter,
    visits: [
      "GET /",
      (browser) => browser.cookies.set("connect.sid", `"${browser.cookies.get("connect.sid")}"`),
      "GET /",
    ],
  },
]);
