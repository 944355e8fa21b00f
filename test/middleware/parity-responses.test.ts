import { Readable } from "node:stream";
import { describeParity } from "./parity.ts";
import { countUp, data } from "./support.ts";

const bigBuffer = Buffer.alloc(300_000, "0123456789");

describeParity([
  {
    title: "a body in chunks, the session set before the first",
    app: (app, session) =>
      app.use(session).get("/", (req, res) => {
        countUp(req);
        res.write("one ");
        res.write(Buffer.from("two "));
        setImmediate(() => res.end("three"));
      }),
    visits: ["GET /", "GET /"],
  },
  {
    title: "a loaded session changed between the chunks",
    app: (app, session) =>
      app
        .use(session)
        .post("/", (req, res) => void res.json(countUp(req)))
        .get("/", (req, res) => {
          res.write("head is sent ");
          countUp(req);
          res.end("now");
        }),
    visits: ["POST /", "GET /", "POST /"],
  },
  {
    title: "a piped stream",
    app: (app, session) =>
      app.use(session).get("/", (req, res) => {
        countUp(req);
        Readable.from(["a", "b", "c"]).pipe(res);
      }),
    visits: ["GET /", "GET /"],
  },
  {
    title: "a big Buffer, a string in another encoding, a Uint8Array",
    app: (app, session) =>
      app
        .use(session)
        .get("/buffer", (req, res) => {
          countUp(req);
          res.end(bigBuffer);
        })
        .get("/send", (req, res) => {
          countUp(req);
          res.send(bigBuffer);
        })
        .get("/latin1", (req, res) => {
          countUp(req);
          res.end("é", "latin1");
        })
        .get("/bytes", (req, res) => {
          countUp(req);
          res.end(new Uint8Array([104, 105]));
        }),
    visits: ["GET /buffer", "GET /send", "GET /latin1", "GET /bytes"],
  },
  {
    title: "empty responses",
    app: (app, session) =>
      app
        .use(session)
        .get("/end", (req, res) => {
          countUp(req);
          res.end();
        })
        .get("/204", (req, res) => {
          countUp(req);
          res.sendStatus(204);
        })
        .get("/empty", (req, res) => {
          countUp(req);
          res.end("");
        })
        .get("/null", (req, res) => {
          countUp(req);
          res.end(null);
        }),
    visits: ["GET /end", "GET /204", "GET /empty", "GET /null"],
  },
  {
    title: "a Content-Length of the app's own",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => {
          countUp(req);
          res.setHeader("Content-Length", 5);
          res.end("hello");
        })
        .get("/zero", (req, res) => {
          countUp(req);
          res.setHeader("Content-Length", 0);
          res.end();
        }),
    visits: ["GET /", "GET /zero", "GET /"],
  },
  {
    title: "HEAD and 304",
    app: (app, session) =>
      app.use(session).get("/", (req, res) => {
        countUp(req);
        res.set("ETag", '"same"').send("body");
      }),
    visits: ["HEAD /", "GET /", ["GET /", { headers: { "if-none-match": '"same"' } }], "HEAD /"],
  },
  {
    title: "304 with the session's cookie",
    options: { rolling: true, cookie: { maxAge: 60_000 } },
    app: (app, session) =>
      app
        .use(session)
        .post("/", (req, res) => void res.json(countUp(req)))
        .get("/", (_req, res) => void res.set("ETag", '"same"').send("body"))
        .get("/conditional", (req, res) => {
          // The header of a browser that has cached the page.
          req.headers["if-none-match"] = '"same"';
          res.set("ETag", '"same"').send("body");
        }),
    visits: ["POST /", "GET /", "GET /conditional", "HEAD /conditional"],
  },
  {
    title: "a redirect",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => {
          data(req).message = "saved";
          res.redirect("/target");
        })
        .get("/target", (req, res) => void res.send(data(req).message)),
    visits: ["GET /", "GET /target"],
  },
  {
    title: "an error, with and without a handler, and a page that is not there",
    app: (app, session) =>
      app
        .use(session)
        .get("/teapot", (req) => {
          countUp(req);
          throw Object.assign(new Error("short"), { status: 418, expose: true, stack: "short" });
        })
        .get("/failure", (req, res) => {
          res.status(500).json(countUp(req));
        })
        .use(
          (
            error: { status?: number },
            _req: unknown,
            res: { statusCode: number; end(text: string): void },
            _next: unknown,
          ) => {
            res.statusCode = error.status ?? 500;
            res.end("handled");
          },
        ),
    visits: ["GET /teapot", "GET /failure", "GET /nowhere"],
  },
  {
    title: "res.end called twice",
    app: (app, session) =>
      app.use(session).get("/", (req, res) => {
        countUp(req);
        res.end("first");
        res.end("second");
      }),
    visits: ["GET /", "GET /"],
  },
]);
