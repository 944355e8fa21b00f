import express, { type RequestHandler, Router } from "express";
import { viewOf } from "./sessions.ts";
import type { Tabs } from "./tabs.ts";

const MAX_NAME_LENGTH = 40;

/** What the page asks for over HTTP. */
export function routes(tabs: Tabs): Router {
  const router = Router();
  router.use(sameOrigin, express.json({ limit: "4kb" }));

  router.get("/session", (req, res) => {
    res.json(viewOf(req.session));
  });

  router.post("/sign-in", async (req, res) => {
    const name = nameIn(req.body);
    if (name === undefined) {
      res.status(400).json({ error: `The name must be text of 1 to ${MAX_NAME_LENGTH} characters.` });
      return;
    }
    const { firstVisit = new Date().toISOString() } = req.session;
    // A new id, so that an id that somebody planted in this browser before is worth nothing after.
    await req.session.regenerate();
    req.session.displayName = name;
    req.session.firstVisit = firstVisit;
    await req.session.save();
    res.json(viewOf(req.session));
  });

  router.post("/sign-out", async (req, res) => {
    // Closes the connections of all of the session's tabs with 4501, too.
    await req.session.destroy();
    res.sendStatus(204);
  });

  router.post("/count", async (req, res) => {
    if (req.session.displayName === undefined) {
      res.status(401).json({ error: "Sign in first." });
      return;
    }
    req.session.httpCount = (req.session.httpCount ?? 0) + 1;
    // The end of the response would save it; it is saved now so that nobody is shown what is not stored.
    await req.session.save();
    tabs.show(req.sessionID, viewOf(req.session));
    res.json(viewOf(req.session));
  });

  return router;
}

/** Refuses what a page of another site has the browser send. Programs send neither header, and may. */
const sameOrigin: RequestHandler = (req, res, next) => {
  const site = req.get("Sec-Fetch-Site");
  const origin = req.get("Origin");
  const isSame = site
    ? site === "same-origin" || site === "none"
    : origin === undefined || (URL.canParse(origin) && new URL(origin).host === req.host);
  if (isSame || req.method === "GET" || req.method === "HEAD") next();
  else res.status(403).json({ error: "This request comes from another site." });
};

function nameIn(body: unknown): string | undefined {
  const { name } = Object(body) as { name?: unknown };
  if (typeof name !== "string") return undefined;
  const trimmed = name.trim();
  return trimmed !== "" && trimmed.length <= MAX_NAME_LENGTH ? trimmed : undefined;
}
