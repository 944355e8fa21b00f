import { Router } from "express";
import { viewOf } from "./sessions.ts";
import type { Tabs } from "./tabs.ts";
import type { Users } from "./users.ts";

/** Counting over HTTP. */
export function countRoutes(users: Users, tabs: Tabs): Router {
  const router = Router();

  router.post("/count", async (req, res) => {
    req.session.httpCount = (req.session.httpCount ?? 0) + 1;
    // The end of the response would save it; it is saved now so that nobody is shown what is not stored.
    await req.session.save();
    const view = viewOf(req.session, users);
    tabs.show(req.sessionID, view);
    res.json(view);
  });

  return router;
}
