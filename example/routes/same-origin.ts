import type { RequestHandler } from "express";

/** Refuses what a page of another site has the browser send. Programs send neither header, and may. */
export const sameOrigin: RequestHandler = (req, res, next) => {
  const site = req.get("Sec-Fetch-Site");
  const origin = req.get("Origin");
  const isSame = site
    ? site === "same-origin" || site === "none"
    : origin === undefined || (URL.canParse(origin) && new URL(origin).host === req.host);
  if (isSame || req.method === "GET" || req.method === "HEAD") next();
  else res.status(403).json({ error: "This request comes from another site." });
};
