import express, { type ErrorRequestHandler, type RequestHandler, Router } from "express";
import { rateLimit } from "express-rate-limit";
import { type Realtime, type SessionStack, userSessions } from "express-session-stack";
import createError from "http-errors";
import { z } from "zod";
import { hashPassword, isPassword, Password } from "./passwords.ts";
import type { Store } from "./store.ts";
import { accountView } from "./views.ts";

const SignIn = z.object({ user: z.string().trim().toLowerCase().min(1).max(128), password: Password });
const Change = z.object({ current: Password, next: Password.min(8, "At least 8 characters, please.") });

export function apiRoutes(stack: SessionStack, chat: Realtime, store: Store): Router {
  const sessions = userSessions(stack);
  const api = Router().use(sameOrigin, stack(), express.json({ limit: "4kb" }));
  api.get("/account", async (req, res) => res.json(await accountView(req, sessions)));
  api.post("/sign-out", (req, res) => sessions.logOut(req).then(() => res.sendStatus(204)));
  api.post("/sign-in", signInLimit, async (req, res) => {
    const { user, password } = SignIn.parse(req.body);
    const kept = await store.get(`password:${user}`);
    const wrong = createError(401, "The user name or the password is wrong.");
    if (!(await isPassword(password, kept))) throw wrong;
    await sessions.logIn(req, user);
    // A change since it was read has ended all sessions but this one.
    if ((await store.get(`password:${user}`)) === kept) return res.sendStatus(204);
    await sessions.logOut(req);
    throw wrong;
  });

  api.use((req, res, next) => {
    res.locals.user = req.session.login?.userId;
    next(res.locals.user ? undefined : createError(401, "Sign in first."));
  });
  api.post("/count", async ({ session }, res) => {
    session.httpCount = (session.httpCount ?? 0) + 1;
    await session.save();
    await chat.user(res.locals.user).send("account.changed");
    res.sendStatus(204);
  });
  api.post("/devices/:signedInAt/sign-out", async ({ params }, res) => {
    const all = await sessions.listUserSessions(res.locals.user);
    const device = all.find(({ createdAt }) => `${createdAt}` === params.signedInAt);
    if (!device) throw createError(404, "That device is signed out already.");
    await sessions.deleteUserSession(res.locals.user, device.sid);
    res.sendStatus(204);
  });
  api.post("/devices/sign-out-others", async (req, res) => {
    res.json(await sessions.deleteUserSessions(res.locals.user, { except: req.sessionID }));
  });
  api.post("/password", signInLimit, async (req, res) => {
    const { current, next } = Change.parse(req.body);
    const key = `password:${res.locals.user}`;
    const [before, after] = [await store.get(key), await hashPassword(next)];
    // Another change may come first, on any node: swap looks once more.
    if (!(await isPassword(current, before)) || !(await store.swap(key, before, after)))
      throw createError(403, "The current password is wrong.");
    // Only now: from here on nobody signs in by the old one, so nobody is missed.
    res.json(await sessions.deleteUserSessions(res.locals.user, { except: req.sessionID }));
  });
  return api.use(answerError);
}

/** Refuses what a page of another site has the browser send. Programs send neither header, and may. */
const sameOrigin: RequestHandler = (req, _res, next) => {
  const own = [undefined, "none", "same-origin", `${req.protocol}://${req.host}`];
  const isOwn = own.includes(req.get("Sec-Fetch-Site")) && own.includes(req.get("Origin"));
  next(isOwn || req.method === "GET" ? undefined : createError(403, "This request comes from another site."));
};

const signInLimit = rateLimit({
  limit: Number(process.env.WRONG_PASSWORDS_PER_MINUTE || 10),
  skipSuccessfulRequests: true,
  message: { error: "Too many wrong passwords. Wait a minute, and try again." },
});

/** Answers as JSON, and keeps to itself what broke inside. */
const answerError: ErrorRequestHandler = (error, _req, res, _next) => {
  const status = error instanceof z.ZodError ? 400 : (error.status ?? 500);
  if (status >= 500) console.error(error);
  const reason = error.issues?.[0].message ?? error.message;
  res.status(status).json({ error: status < 500 ? reason : "Something broke." });
};
