import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { seededRandom } from "../support/random.ts";
import { connectClient, serveBehindRelay, serveChat } from "./support.ts";

const STEPS = 150;

/** Sends numbered messages and requests while the line breaks in every way. Resolves to how many arrived. */
async function run(seed: number): Promise<number> {
  const random = seededRandom(seed);
  const first = await serveBehindRelay();
  const { line } = first;
  const chats = [first.chat];
  const { client } = connectClient({
    url: line.url,
    heartbeatIntervalMs: 20,
    requestTimeoutMs: 200,
    connectTimeoutMs: 200,
    minReconnectDelayMs: 1,
    maxReconnectDelayMs: 20,
    maxQueuedMessages: 30,
  });
  const sent: number[] = [];
  const settled = new Map<number, string>();
  const refused = new Set<number>();
  const asked: Promise<void>[] = [];

  function send(n: number): void {
    try {
      client.send("number", { n });
      sent.push(n);
    } catch {
      refused.add(n);
    }
  }

  function request(n: number): void {
    const settle = (outcome: string): void => {
      expect(settled.has(n)).toBe(false);
      settled.set(n, outcome);
    };
    asked.push(
      client.request("number", { n }).then(
        (answer) => {
          expect(answer).toEqual({ n });
          settle("answered");
        },
        ({ code }) => {
          settle(code);
        },
      ),
    );
  }

  for (let n = 0; n < STEPS; n++) {
    if (random.chance(0.5)) send(n);
    else request(n);
    if (random.chance(0.04)) line.cut();
    if (random.chance(0.02)) line.freeze();
    if (random.chance(0.03)) line.target = random.chance(0.5) ? undefined : chats.at(-1)?.port;
    if (random.chance(0.03)) chats.at(-1)?.connections[0]?.close(random.pick([1012, 4008, 4009, 1011]), "");
    if (random.chance(0.01)) {
      void chats.at(-1)?.wsSessions.close();
      chats.push(await serveChat());
      line.target = chats.at(-1)?.port;
    }
    if (random.chance(0.5)) await delay(random.int(8));
  }
  line.target = chats.at(-1)?.port;
  await Promise.all(asked);
  await eventually(async () => {
    expect(await client.request("number", { n: STEPS })).toEqual({ n: STEPS });
  });

  const handled = chats.flatMap(({ numbers }) => numbers as number[]).filter((n) => n !== STEPS);
  expect(new Set(handled).size).toBe(handled.length);
  for (const { numbers } of chats) expect([...(numbers as number[])].sort((a, b) => a - b)).toEqual(numbers);
  for (const [n, outcome] of settled) {
    if (outcome === "answered") expect(handled).toContain(n);
    if (outcome === "queue_full") expect(handled).not.toContain(n);
    expect(["answered", "closed", "timeout", "queue_full"]).toContain(outcome);
  }
  for (const n of refused) expect(handled).not.toContain(n);
  return handled.length;
}

const seeds = process.env.SEED ? [Number(process.env.SEED)] : [1, 2, 3, 4, 5, 6].map((n) => n + Date.now());

test("each message is handled at most once, in order, and each request settles once, however the line breaks", async () => {
  let handled = 0;
  for (const seed of seeds) {
    handled += await run(seed).catch((cause: Error) => {
      throw new Error(`SEED=${seed}: ${cause.message}`, { cause });
    });
  }
  // The test proves something only if enough messages arrived.
  expect(handled).toBeGreaterThan((seeds.length * STEPS) / 10);
}, 60_000);
