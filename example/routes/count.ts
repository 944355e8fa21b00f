import { Router } from "express";
import type { Chat } from "../realtime/chat.ts";

/** Counting over HTTP. */
export function countRoutes({ showSession }: Chat): Router {
  const router = Router();

  router.post("/count", async (req, res) => {
    req.session.httpCount = (req.session.httpCount ?? 0) + 1;
    // The end of the response would save it; it is saved now so that nobody is shown what is not stored.
    await req.session.save();
    res.json(await showSession(req));
  });

  return router;
}
