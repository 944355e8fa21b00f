import type { Express, Request, Response } from "express";
import type { SessionData } from "express-session";
import { sessionMiddleware, sessionMiddlewareStack, userSessions } from "../../lib/index.ts";
import type { SessionMiddlewareOptions } from "../../lib/middleware/session-options.ts";
import type { Browser, BrowserResponse } from "../support/browser.ts";
import { countWrites } from "./cookie-places.ts";
import { browse, countUp, type Place, secret, sidOf, stored } from "./support.ts";

export const hour = 3_600_000;
export const day: number = 24 * hour;

export type Change = (req: Request) => unknown;

export interface App {
  browser: Browser;
  store: Place["store"];
  /** The number of whole sessions that were written. */
  writes: jest.SpyInstance;
  /** Runs on a visit to `/change`. */
  onChange(change: Change): void;
}

/** An app whose sessions live one day by default. */
export async function visit(
  place: Place,
  createApp: () => Express,
  options: SessionMiddlewareOptions = { cookie: { maxAge: day } },
): Promise<App> {
  let change: Change = () => {};
  const stack = sessionMiddlewareStack(sessionMiddleware({ secret, ...place.options, ...options }));
  const { logIn } = userSessions(stack);
  const app = createApp();
  app.use(stack());
  app.get("/count", (req, res) => void res.json(countUp(req)));
  app.get("/read", (_req, res) => void res.end());
  app.get("/change", (req: Request, res: Response, next) => {
    Object.assign(req, { logIn });
    Promise.resolve()
      .then(() => change(req))
      .then(() => res.end(), next);
  });
  const browser = await browse(app);
  const writes = countWrites(place);
  return {
    browser,
    store: place.store,
    writes,
    onChange: (next) => {
      change = next;
    },
  };
}

export function logIn(req: Request): Promise<void> {
  return (req as unknown as { logIn: (req: Request, user: string) => Promise<void> }).logIn(req, "ada");
}

export function cookieLine(response: BrowserResponse): string {
  return response.setCookies.find((line) => line.startsWith("connect.sid=")) ?? "no cookie";
}

/** Asserts that browser and store have the same age. Without an age, the session ends with the browser. */
export async function expectAge(app: App, response: BrowserResponse, age: number | null): Promise<void> {
  expect(response.status).toBe(200);
  const [, sent] = /; Expires=([^;]*)/.exec(cookieLine(response)) ?? [];
  const { cookie } = (await stored(app.store, sidOf(app.browser))) as SessionData;
  expect(cookieLine(response)).toMatch(/^connect\.sid=/);
  if (age === null) {
    expect([sent, cookie.expires, cookie.originalMaxAge]).toEqual([undefined, null, null]);
    return;
  }
  const kept = new Date(cookie.expires as Date).getTime();
  expect(Math.abs((cookie.originalMaxAge as number) - age)).toBeLessThan(5_000);
  expect(Math.abs(kept - Date.now() - age)).toBeLessThan(10_000);
  // A cookie has whole seconds.
  expect(Math.abs(Date.parse(sent ?? "") - kept)).toBeLessThan(3_000);
}
