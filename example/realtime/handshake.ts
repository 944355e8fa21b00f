import type { Request, Response } from "express";

/**
 * Lets everybody in; the session says who has signed in.
 *
 * A visitor's first session can begin with the handshake: it is saved here, while cookies can still be
 * sent, and its cookie goes out in the 101 response, beside others that are set here. Without
 * `?remember=1` nothing is saved, so no cookie is sent. See README.md for what that looks like.
 */
export async function authorize(req: Request, res: Response): Promise<boolean> {
  if (req.query.remember === "1" && req.session.firstVisit === undefined) {
    const now = new Date().toISOString();
    req.session.firstVisit = now;
    await req.session.save();
    res.cookie("last_visit", now, { httpOnly: true, sameSite: "lax" });
  }
  return true;
}
