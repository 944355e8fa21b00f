import { Session } from "express-session";
import { describeParity } from "./parity.ts";
import { countUp, data } from "./support.ts";

describeParity([
  {
    title: "a new session that nothing is put into",
    app: (app, session) => app.use(session).get("/", (_req, res) => void res.send("hello")),
    visits: ["GET /", "GET /"],
  },
  {
    title: "a counter",
    app: (app, session) => app.use(session).get("/", (req, res) => void res.json(countUp(req))),
    visits: ["GET /", "GET /", "GET /"],
  },
  {
    title: "reading only",
    options: { cookie: { maxAge: 60_000 } },
    app: (app, session) =>
      app
        .use(session)
        .post("/", (req, res) => void res.json(countUp(req)))
        .get("/", (req, res) => void res.json(data(req).count ?? null)),
    visits: ["GET /", "POST /", "GET /", "GET /"],
  },
  {
    title: "a nested change, a deleted key, values of every JSON kind",
    app: (app, session) =>
      app
        .use(session)
        .post("/", (req, res) => {
          Object.assign(req.session, {
            a: { b: [1, { c: 2 }] },
            s: "é€😀",
            n: null,
            t: true,
            gone: 1,
            u: undefined,
          });
          res.end();
        })
        .patch("/", (req, res) => {
          (data(req).a as { b: unknown[] }).b.push(3);
          delete data(req).gone;
          res.json(req.session);
        }),
    visits: ["POST /", "PATCH /"],
  },
  {
    title: "what the session looks like",
    app: (app, session) =>
      app.use(session).get("/", (req, res) => {
        countUp(req);
        const inFor: string[] = [];
        for (const key in req.session) inFor.push(key);
        res.json({
          keys: Object.keys(req.session).sort(),
          inFor: inFor.sort(),
          sameId: req.session.id === req.sessionID,
          type: typeof req.sessionID,
          isInstance: req.session instanceof Session,
          store: typeof req.sessionStore.get,
          generate: typeof req.sessionStore.generate,
          maxAge: req.session.cookie.maxAge,
          touched: req.session.touch() === req.session && req.session.resetMaxAge() === req.session,
        });
      }),
    visits: ["GET /", "GET /"],
  },
  {
    title: "destroy",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/destroy", (req, res, next) => {
          req.session.destroy((error) => (error ? next(error) : res.json(req.session === undefined)));
        })
        .get("/hurry", (req, res) => {
          req.session.destroy(() => {});
          res.end("bye");
        }),
    visits: ["GET /", "GET /destroy", "GET /", "GET /hurry", "GET /"],
  },
  {
    title: "regenerate",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/regenerate", (req, res, next) => {
          const { id } = req.session;
          req.session.regenerate((error) => {
            if (error) return next(error);
            data(req).fresh = true;
            res.json([id !== req.session.id, req.session.id === req.sessionID, data(req).count ?? null]);
          });
        }),
    visits: ["GET /regenerate", "GET /", "GET /regenerate", "GET /"],
  },
  {
    title: "regenerate without putting anything into the new session",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/regenerate", (req, res) => {
          req.session.regenerate(() => res.end());
        }),
    visits: ["GET /regenerate", "GET /", "GET /regenerate", "GET /"],
  },
  {
    title: "regenerate and destroy through req.sessionStore",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/regenerate", (req, res) => {
          req.sessionStore.regenerate(req, () => res.json(countUp(req)));
        })
        .get("/destroy", (req, res) => {
          req.sessionStore.destroy(req.sessionID, () => {
            Reflect.deleteProperty(req, "session");
            res.end();
          });
        }),
    visits: ["GET /", "GET /regenerate", "GET /", "GET /destroy", "GET /"],
  },
  {
    title: "reload",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/reload", (req, res, next) => {
          const before = req.session;
          countUp(req);
          req.session.reload((error) => {
            if (error) return next(error);
            res.json([data(req).count, req.session !== before, req.session.id === before.id]);
          });
        }),
    visits: ["GET /", "GET /reload", "GET /"],
  },
  {
    title: "reload of a session that is not stored yet",
    app: (app, session) =>
      app.use(session).get("/", (req, res) => {
        countUp(req);
        req.session.reload((error) => res.json([error instanceof Error, data(req).count]));
      }),
    visits: ["GET /", "GET /"],
  },
  {
    title: "save, and changes after it",
    app: (app, session) =>
      app
        .use(session)
        .get("/save", (req, res, next) => {
          countUp(req);
          req.session.save((error) => (error ? next(error) : res.json(data(req).count)));
        })
        .get("/more", (req, res) => {
          countUp(req, "first");
          req.session.save(() => res.json(countUp(req, "second")));
        })
        .get("/hurry", (req, res) => {
          countUp(req, "third");
          req.session.save();
          countUp(req, "fourth");
          res.end();
        }),
    visits: ["GET /save", "GET /save", "GET /more", "GET /hurry", "GET /more"],
  },
  {
    title: "req.session unset",
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/null", (req, res) => {
          countUp(req);
          Object.assign(req, { session: null });
          res.end();
        })
        .get("/delete", (req, res) => {
          countUp(req);
          Reflect.deleteProperty(req, "session");
          res.end();
        }),
    visits: ["GET /null", "GET /", "GET /null", "GET /", "GET /delete", "GET /"],
  },
  {
    title: 'req.session unset with unset: "destroy"',
    options: { unset: "destroy" },
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/null", (req, res) => {
          Object.assign(req, { session: null });
          res.end();
        })
        .get("/delete", (req, res) => {
          Reflect.deleteProperty(req, "session");
          res.end();
        }),
    visits: ["GET /null", "GET /", "GET /null", "GET /", "GET /delete", "GET /"],
  },
]);
