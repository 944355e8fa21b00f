import { describeParity } from "./parity.ts";
import { countUp, data } from "./support.ts";

describeParity([
  {
    title: "another age for this session",
    options: { cookie: { maxAge: 60_000 } },
    app: (app, session) =>
      app
        .use(session)
        .get("/", (req, res) => void res.json(countUp(req)))
        .get("/read", (req, res) => void res.json(data(req).count))
        .get("/longer", (req, res) => {
          req.session.cookie.maxAge = 600_000;
          res.json(countUp(req));
        })
        .get("/date", (req, res) => {
          req.session.cookie.expires = new Date(Date.now() + 300_000);
          res.json(countUp(req));
        })
        .get("/browser", (req, res) => {
          Object.assign(req.session.cookie, { expires: false });
          res.json(countUp(req));
        }),
    visits: ["GET /", "GET /longer", "GET /read", "GET /date", "GET /read", "GET /browser", "GET /read"],
  },
]);
