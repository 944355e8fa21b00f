import { describeParity } from "./parity.ts";
import { countUp } from "./support.ts";

describeParity([
  {
    title: "cookies of the app's own beside the session's",
    app: (app, session) =>
      app
        .use(session)
        .get("/one", (req, res) => {
          res.cookie("a", "1");
          res.json(countUp(req));
        })
        .get("/two", (req, res) => {
          req.session.regenerate(() => {
            res.cookie("a", "1").cookie("b", "2");
            res.json(countUp(req));
          });
        })
        .get("/string", (req, res) => {
          req.session.regenerate(() => {
            res.setHeader("Set-Cookie", "raw=1");
            res.json(countUp(req));
          });
        }),
    visits: ["GET /one", "GET /two", "GET /string"],
  },
  {
    title: "writeHead with headers",
    app: (app, session) =>
      app
        .use(session)
        .get("/plain", (req, res) => {
          countUp(req, "plain");
          res.writeHead(201).end("x");
        })
        .get("/object", (req, res) => {
          req.session.regenerate(() => {
            countUp(req);
            res.setHeader("X-Own", "before");
            res.writeHead(202, {
              "X-Own": "after",
              "Set-Cookie": ["a=1", "b=2"],
              "Content-Type": "text/plain",
            });
            res.end("x");
          });
        })
        .get("/message", (req, res) => {
          req.session.regenerate(() => {
            countUp(req);
            res.writeHead(203, "Fine by me", { "Set-Cookie": "a=1" }).end("x");
          });
        })
        .get("/list", (req, res) => {
          req.session.regenerate(() => {
            countUp(req);
            res.writeHead(200, ["X-One", "1", "Set-Cookie", "a=1"]).end("x");
          });
        })
        .get("/pairs", (req, res) => {
          req.session.regenerate(() => {
            countUp(req);
            res
              .writeHead(200, [
                ["X-One", "1"],
                ["Set-Cookie", "a=1"],
              ] as never)
              .end("x");
          });
        }),
    visits: ["GET /plain", "GET /object", "GET /message", "GET /list", "GET /pairs"],
  },
  {
    title: "flushHeaders",
    app: (app, session) =>
      app.use(session).get("/", (req, res) => {
        countUp(req);
        res.flushHeaders();
        res.end("later");
      }),
    visits: ["GET /", "GET /"],
  },
]);
