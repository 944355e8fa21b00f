import type { Backend } from "../../lib/index.ts";
import type { Browser } from "../support/browser.ts";
import { data, me, type Served, serve } from "./support.ts";

export const hour = 3_600_000;

/** An app whose requests to `/merge` each hold what they have loaded while another one saves, so that the saves merge. */
export async function serveMerging(backend: Backend, session: object): Promise<Served> {
  const served = await serve({
    backend,
    session: { cookie: { maxAge: hour }, ...session },
    routes: (app) => {
      app.post("/together", (req, res) => {
        data(req).inner = true;
        res.end();
      });
      app.post("/merge", async (req, res) => {
        // Another request with the same cookie, which ends while this one holds what it has loaded.
        const headers = { cookie: req.headers.cookie ?? "" };
        const other = await fetch(`${served.url}/together`, { method: "POST", headers });
        data(req).outer = other.status;
        res.end();
      });
      app.get("/touch", (_req, res) => void res.end());
    },
  });
  return served;
}

/** Has two requests save the same session, one of them what it had loaded before. */
export async function merge(browser: Browser): Promise<void> {
  expect((await browser.post("/merge")).status).toBe(200);
  expect(await me(browser)).toMatchObject({ inner: true, outer: 200 });
}
