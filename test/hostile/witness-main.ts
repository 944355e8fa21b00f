import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { WitnessFigures } from "./witness.ts";

/** A well-behaved user as a process. It makes requests and sends messages all the time, and reports their times. */
const { NODE_URL = "" } = process.env;
const PAUSE_MS = 25;
/** The longest wait of a well-behaved user, whatever others do. */
const PATIENCE_MS = 15_000;

let tookMs: number[] = [];
let failures: string[] = [];

const login = await fetch(`${NODE_URL}/log-in`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ user: "witness" }),
});
const cookie = login.headers
  .getSetCookie()
  .map((line) => line.split(";")[0])
  .join("; ");
const ws = new WebSocket(`${NODE_URL.replace("http", "ws")}/ws`, { headers: { Cookie: cookie } });
await once(ws, "open");
ws.on("close", (code) => failures.push(`its connection was closed with ${code}`));
ws.on("error", () => {});

async function request(): Promise<void> {
  const answer = await fetch(`${NODE_URL}/me`, {
    headers: { cookie },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const { user } = (await answer.json()) as { user: string };
  if (user !== "witness") throw new Error(`/me answered ${answer.status}, ${user}`);
}

let id = 0;
async function message(): Promise<void> {
  const data = { at: ++id };
  ws.send(JSON.stringify({ event_type: "echo", id, data }));
  const signal = AbortSignal.timeout(PATIENCE_MS);
  for (;;) {
    const [text] = (await once(ws, "message", { signal })) as [Buffer];
    const answer = JSON.parse(String(text));
    if (answer.id === data.at && answer.data.at === data.at) return;
  }
}

async function goOn(name: string, step: () => Promise<void>): Promise<never> {
  for (;;) {
    const since = performance.now();
    await step().catch((error) => failures.push(`${name}: ${error} ${(error as Error).cause ?? ""}`));
    tookMs.push(performance.now() - since);
    await delay(PAUSE_MS);
  }
}
void goOn("request", request);
void goOn("message", message);

/** Each read begins a new count. */
const server = createServer((_req, res) => {
  const sorted = tookMs.sort((one, other) => one - other);
  const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
  const figures: WitnessFigures = {
    count: sorted.length,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: sorted.at(-1) ?? 0,
    failures,
  };
  tookMs = [];
  failures = [];
  res.end(JSON.stringify(figures));
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, id: "witness" }));
});
