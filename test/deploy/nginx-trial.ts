import { once } from "node:events";
import { Agent } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { type CookieJar, cookieHeaders, keepCookies } from "../support/cookie-jar.ts";
import { openWebSocket } from "../support/open-web-socket.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { within } from "../support/within.ts";
import { ask } from "./ask.ts";
import { judge, whereabouts } from "./judge.ts";
import { Load } from "./load.ts";
import { isNginxHere, type Nginx, quicker, startNginx } from "./nginx.ts";
import { endNode, freePort, type Node, startNode } from "./project.ts";
import type { Report } from "./report.ts";
import { visit } from "./visitor.ts";

/** `keepalive_timeout` of an upstream, unless it is set. */
const NGINX_KEEPS_SECONDS = 60;

/** TLS by nginx in front of two nodes. */
export async function tryNginx(report: Report, folder: string, redis: RedisServer): Promise<void> {
  if (!isNginxHere()) return report.check("nginx", false, "nginx is not here");
  const env = { REDIS_URL: redis.url, PING_INTERVAL_MS: String(30_000 / quicker) };
  const start = async (port: number) => startNode({ folder, port, env });
  const nodes = [await start(await freePort()), await start(await freePort())] as [Node, Node];
  const nginx = await startNginx([nodes[0].port, nodes[1].port]);
  try {
    const jar = await tryRequests(report, nginx);
    await tryWebSockets(report, nginx, nodes[0].port, jar);
    await tryStops(report, nginx, nodes, start);
  } finally {
    await nginx.stop();
    for (const node of nodes) await endNode(node);
  }
}

async function tryRequests(report: Report, { url, ca }: Nginx): Promise<CookieJar> {
  const jar: CookieJar = new Map();
  // An address that differs from the proxy's own, and one that is only claimed.
  const from = { localAddress: "127.0.0.2", headers: { "X-Forwarded-For": "203.0.113.7" } };
  const answer = await ask(`${url}/login/ada`, { ca, agent: false, method: "POST", ...from });
  const cookies = answer.headers["set-cookie"] ?? [];
  answer.resume();
  report.check(
    "the cookie of a login is secure",
    /; Secure/.test(cookies[0] ?? ""),
    /;.*/.exec(cookies[0] ?? "")?.[0] ?? "",
  );
  keepCookies(jar, cookies);
  const logins = (await json(await ask(`${url}/logins`, { ca, agent: false }, jar))) as { ip: string }[];
  report.same(
    "the ip of a login is the client's",
    logins.map(({ ip }) => ip),
    ["127.0.0.2"],
  );
  return jar;
}

async function tryWebSockets(report: Report, nginx: Nginx, nodePort: number, jar: CookieJar): Promise<void> {
  const { url, ca, port, readTimeoutSeconds } = nginx;
  const at = (path: string, origin: string) =>
    openWebSocket(`wss://127.0.0.1:${port}${path}`, { ca, origin, headers: cookieHeaders(jar) });
  const refused = async (origin: string) =>
    at("/ws", origin).then(
      () => "accepted",
      ({ statusCode }) => statusCode,
    );
  report.same("a foreign origin is refused", await refused("https://evil.example"), 403);
  report.same("so is another port of the host", await refused("https://127.0.0.1"), 403);

  const kept = await ask(`http://127.0.0.1:${nodePort}/healthz`, { agent: new Agent({ keepAlive: true }) });
  const keptSeconds = Number(/timeout=(\d+)/.exec(String(kept.headers["keep-alive"]))?.[1]);
  kept.destroy();
  report.check("nodes keep idle lines longer than nginx", keptSeconds > NGINX_KEEPS_SECONDS, { keptSeconds });

  const [own, other] = [await at("/ws", url), await at("/other", url)];
  report.check("the page's origin is accepted", own.readyState === own.OPEN, "open");
  other.send("hello");
  const [echo] = await once(other, "message");
  report.same("an upgrade on another path reaches the app", String(echo), "heard hello");
  const quietMs = 2 * readTimeoutSeconds * 1_000 + 1_000;
  const cut = once(other, "close");
  await delay(quietMs);
  report.check(
    "pings keep a connection that says nothing",
    own.readyState === own.OPEN,
    `open after ${quietMs} ms`,
  );
  const [code] = await within(cut, 10_000, "cut of the connection without pings");
  report.same("one without pings is cut", code, 1006);
  own.terminate();
}

async function tryStops(
  report: Report,
  { url, ca }: Nginx,
  nodes: [Node, Node],
  start: (port: number) => Promise<Node>,
): Promise<void> {
  const pick = () => url;
  const names = Array.from({ length: 12 }, (_, at) => `visitor-${at}`);
  const visitors = await Promise.all(names.map((user) => visit({ user, pick, origin: url, ca })));
  const load = new Load({ pick, ca, users: 6 });
  for (const at of [0, 1] as const) {
    const leaving = nodes[at];
    const held = [...(await whereabouts(visitors)).values()].filter(
      (pid) => pid === leaving.child.pid,
    ).length;
    const began = performance.now();
    leaving.child.kill("SIGTERM");
    const how = await within(leaving.ended, 60_000, "end of a node");
    const seen = { code: how, ms: Math.round(performance.now() - began), held };
    report.check(`node ${at} ends by itself after SIGTERM`, how === 0 && held > 0, seen);
    if (leaving.log() !== "listens\n") console.log(leaving.log());
    nodes[at] = await start(leaving.port);
  }
  await judge(report, load, visitors, { stopsBehindNginx: nodes.length });
  for (const { client } of visitors) client.close();
}
