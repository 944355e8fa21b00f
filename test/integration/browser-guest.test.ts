import { resolve } from "node:path";
import express, { type Express } from "express";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { memoryBackend } from "../../lib/index.ts";
import { redisBackend } from "../../lib/redis.ts";
import { afterThisTest, type Served, serve } from "../realtime/support.ts";
import { describeInChromium, launchChromium } from "../support/chromium.ts";
import { eventually } from "../support/eventually.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { closedAfterThisTest, sharedRedis } from "../users/support.ts";

jest.setTimeout(120_000);

/** Connects the number of clients in the query to the URL in the query, and shows their messages. */
const PAGE = `<!doctype html><title>guest</title><script type="module">
  import { realtimeClient } from "/package/client.js";
  const query = new URLSearchParams(location.search);
  window.heard = [];
  window.states = [];
  window.clients = Array.from({ length: Number(query.get("clients") ?? 1) }, (_, n) =>
    realtimeClient({ url: query.get("url") })
      .on("news", ({ text }) => heard.push(n + " " + text))
      .onState((state, { code }) => states.push([n, state, code].join(" ").trim())));
  window.post = (path, body) => fetch(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}),
  }).then(({ status }) => status);
</script>`;

function pageRoutes(app: Express): void {
  app.use("/package", express.static(resolve(__dirname, "../../dist")));
  app.get("/page", (_req, res) => void res.type("html").send(PAGE));
}

const places = [
  { place: "memory", open: async () => [await serveMemory()] as const },
  { place: "two nodes with Redis", open: () => serveTwoNodes() },
];

async function serveMemory(): Promise<Served> {
  return serve({ backend: closedAfterThisTest(memoryBackend()), routes: pageRoutes });
}

/** The page and its requests use the first node, its connections the second. */
async function serveTwoNodes(): Promise<readonly [Served, Served]> {
  const client = await sharedRedis();
  const prefix = uniquePrefix("guests");
  const backend = () => closedAfterThisTest(redisBackend({ client, prefix }));
  const first = await serve({ backend: backend(), routes: pageRoutes });
  const second = await serve({ backend: backend(), webSocket: { origins: [first.url] } });
  return [first, second];
}

describeInChromium("a page whose visitor is a guest", (browserTest) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  async function visit(context: BrowserContext, nodes: readonly Served[], clients = 1): Promise<Page> {
    const page = await context.newPage();
    const url = `${(nodes.at(-1) as Served).url}/ws`;
    await page.goto(`${(nodes[0] as Served).url}/page?clients=${clients}&url=${encodeURIComponent(url)}`);
    return page;
  }
  const list = (page: Page, name: "heard" | "states") =>
    page.evaluate((of) => (globalThis as unknown as Record<string, string[]>)[of] as string[], name);
  const post = (page: Page, path: string, body?: object) =>
    page.evaluate(
      ([to, json]) =>
        (globalThis as unknown as { post(path: string, body?: unknown): Promise<number> }).post(to, json),
      [path, body] as const,
    );
  const openContext = async () => {
    const context = await browser.newContext();
    afterThisTest(() => context.close());
    return context;
  };

  for (const { place, open } of places) {
    // Once, the connection never got the user, and messages to the user did not arrive.
    browserTest(`logs in by fetch and receives the user's messages in all tabs, on ${place}`, async () => {
      const nodes = await open();
      const context = await openContext();
      // Two connections at the same time without a cookie, and another tab.
      const pages = [await visit(context, nodes, 2), await visit(context, nodes)];
      const bystander = await visit(await openContext(), nodes);
      const [page] = pages as [Page, Page];
      for (const each of [...pages, bystander])
        await eventually(async () => expect(await list(each, "states")).toContain("0 open"));
      await eventually(async () => expect(await list(page, "states")).toContain("1 open"));
      expect(await post(page, "/login", { user: "ada" })).toBe(200);
      for (const each of pages)
        await eventually(async () => expect((await list(each, "states")).at(-1)).toMatch(/open$/));
      const { chat } = nodes[0];
      await eventually(async () => {
        await chat.user("ada").send("news", { text: "for Ada" });
        expect([...new Set(await list(page, "heard"))].sort()).toEqual(["0 for Ada", "1 for Ada"]);
        expect([...new Set(await list(pages[1] as Page, "heard"))]).toEqual(["0 for Ada"]);
      });
      expect((await list(page, "states")).filter((state) => state.includes("4009")).sort()).toEqual([
        "0 waiting 4009",
        "1 waiting 4009",
      ]);
      expect(await list(bystander, "states")).toEqual(["0 open"]);
      expect(await list(bystander, "heard")).toEqual([]);
      expect((await context.cookies()).map(({ name }) => name)).toEqual(["connect.sid"]);
    });

    browserTest(`logs out and then in as another user, on ${place}`, async () => {
      const nodes = await open();
      const page = await visit(await openContext(), nodes);
      const { chat } = nodes[0];
      const isHeard = async (user: string, text: string) => {
        await eventually(async () => {
          await chat.user(user).send("news", { text });
          expect(await list(page, "heard")).toContain(`0 ${text}`);
        });
      };
      await eventually(async () => expect(await list(page, "states")).toEqual(["0 open"]));
      await post(page, "/login", { user: "ada" });
      await isHeard("ada", "for Ada");
      await post(page, "/logout");
      await eventually(async () => expect((await list(page, "states")).at(-1)).toBe("0 ended 4501"));
      await post(page, "/login", { user: "grace" });
      await page.evaluate(() =>
        (globalThis as unknown as { clients: { reconnect(): void }[] }).clients[0]?.reconnect(),
      );
      await isHeard("grace", "for Grace");
      await chat.user("ada").send("news", { text: "no longer" });
      await isHeard("grace", "last");
      expect(await list(page, "heard")).not.toContain("0 no longer");
    });
  }
});
