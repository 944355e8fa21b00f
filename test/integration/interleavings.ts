import assert from "node:assert/strict";
import type { WebSocket } from "ws";
import { Browser } from "../support/browser.ts";
import type { ListeningServer } from "../support/http-server.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import type { Gates } from "./gates.ts";
import { type Change, hasChange } from "./interleaving-node.ts";

/** Reads the stored contents of a session. */
export type ReadStored = (sid: string) => Promise<Record<string, unknown> | undefined>;

interface Operation {
  name: string;
  at: number;
  change: Change;
  by: "http" | "http-explicit" | "ws" | "ws-unsaved" | "destroy" | "regenerate";
  phase: number;
  answer?: Promise<string>;
  /** Whether the session's ending had been answered before this operation's change began. */
  endedBefore?: boolean;
  outcome?: string;
}

const OPERATIONS = 6;
const PHASES = 4;

/** One run of operations on one session. The seed decides the order of the steps. */
export async function runInterleaving(
  seed: number,
  nodes: readonly ListeningServer[],
  gates: Gates,
  readStored: ReadStored,
): Promise<void> {
  const random = seededRandom(seed);
  const browser = new Browser(random.pick(nodes).url);
  const sid = (await browser.get(`/start?operations=${OPERATIONS}`)).json() as string;
  const devices = nodes.map((node) => sameCookies(browser, node.url));
  // An end of the session closes its connections. Those that write without saving have a separate session.
  const saving = await random.pick(devices).webSocket("/ws");
  const scribbling = await random.pick(devices).webSocket("/ws");
  const operations = chooseOperations(random, seed);
  let isEnded = false;

  /** Takes the next step of an operation. Sometimes it does not wait for the effect of the step. */
  async function step(operation: Operation): Promise<void> {
    const { name, phase } = operation;
    operation.phase++;
    if (phase === 0) {
      operation.answer = begin(operation, random, devices, saving, scribbling);
      operation.answer.catch(() => {});
      if (random.chance(0.7)) await Promise.race([gates.reached(`${name}:loaded`), operation.answer]);
    } else if (phase === 1) {
      await Promise.race([gates.reached(`${name}:loaded`), operation.answer]);
      operation.endedBefore = isEnded;
      gates.open(`${name}:loaded`);
      if (random.chance(0.6)) await Promise.race([gates.reached(`${name}:changed`), operation.answer]);
    } else if (phase === 2) {
      gates.open(`${name}:changed`);
    } else {
      operation.outcome = await (operation.answer as Promise<string>);
      if (isEnding(operation)) isEnded = true;
    }
  }

  try {
    let open = operations;
    while (open.length > 0) {
      await step(random.pick(open));
      open = open.filter(({ phase }) => phase < PHASES);
    }
    check(operations, await readStored(sid));
    if (isEnded) {
      const { isFresh } = (await changeNow(browser, `${seed}-after`, gates)) as { isFresh: boolean };
      assert.ok(isFresh || browser.cookies.size === 0, "an old cookie opens no old session");
    }
  } finally {
    saving.terminate();
    scribbling.terminate();
    for (const device of [browser, ...devices]) device.close();
  }
}

function chooseOperations(random: SeededRandom, seed: number): Operation[] {
  const withEnding = random.chance(0.5);
  return Array.from({ length: OPERATIONS }, (_, at): Operation => {
    const change = random.pick(["add", "remove", "nest"] as const);
    const changing = random.pick(["http", "http", "http-explicit", "ws", "ws", "ws-unsaved"] as const);
    const by = withEnding && at === 0 ? random.pick(["destroy", "regenerate"] as const) : changing;
    return { name: `${seed}-${at}`, at, change, by, phase: 0 };
  });
}

async function begin(
  { name, at, change, by }: Operation,
  random: SeededRandom,
  devices: readonly Browser[],
  saving: WebSocket,
  scribbling: WebSocket,
): Promise<string> {
  const device = random.pick(devices);
  if (by === "ws" || by === "ws-unsaved") {
    const ws = by === "ws" ? saving : scribbling;
    if (ws.readyState !== ws.OPEN) return "closed";
    ws.send(JSON.stringify({ name, at, change, save: by === "ws" }));
    return answerTo(ws, name);
  }
  const url =
    by === "destroy" || by === "regenerate"
      ? `/end?name=${name}&by=${by}`
      : `/change?name=${name}&at=${at}&change=${change}&explicit=${by === "http-explicit" ? "yes" : "no"}`;
  const response = await device.get(url, { headers: { connection: "close" }, withinMs: 30_000 });
  assert.equal(response.status, 200, `${by} was answered ${response.status}: ${response.body.slice(0, 200)}`);
  const { outcome, isFresh } = response.json() as { outcome: string; isFresh?: boolean };
  return isFresh ? "fresh" : outcome;
}

/** The answer to one of several messages under way on a connection, or "closed" if none will come. */
async function answerTo(ws: WebSocket, name: string): Promise<string> {
  return new Promise((resolve) => {
    const onMessage = (data: unknown) => {
      const answer = JSON.parse(String(data)) as { name: string; outcome: string };
      if (answer.name === name) done(answer.outcome);
    };
    const onClose = () => done("closed");
    function done(outcome: string): void {
      ws.off("message", onMessage);
      ws.off("close", onClose);
      resolve(outcome);
    }
    ws.on("message", onMessage);
    ws.on("close", onClose);
  });
}

function isEnding({ by }: Operation): boolean {
  return by === "destroy" || by === "regenerate";
}

/** Checks guarantees 1, 2 and 6 against the answers of the operations. */
function check(operations: readonly Operation[], stored: Record<string, unknown> | undefined): void {
  if (operations.some(isEnding)) {
    assert.equal(stored, undefined, "a session that has ended is not in the store");
    for (const { by, outcome, endedBefore } of operations) {
      if (endedBefore && (by === "ws" || by === "http-explicit")) {
        assert.notEqual(outcome, "saved", `${by} must not be told that it saved a session that had ended`);
      }
    }
    return;
  }
  assert.ok(stored, "a session that nobody has ended is in the store");
  for (const { by, at, change, outcome } of operations) {
    if (by === "ws-unsaved") {
      assert.ok(!(`unasked${at}` in stored), "what nobody asked to save is not in the store");
      continue;
    }
    assert.equal(outcome, by === "http" ? "implicit" : "saved", `${by} was told ${outcome}`);
    assert.ok(hasChange(stored, change, at), `the update of operation ${at} (${by}, ${change}) was lost`);
  }
}

function sameCookies(browser: Browser, url: string): Browser {
  const device = new Browser(url);
  for (const [name, value] of browser.cookies) device.cookies.set(name, value);
  return device;
}

function changeNow(browser: Browser, name: string, gates: Gates): Promise<unknown> {
  gates.open(`${name}:loaded`);
  gates.open(`${name}:changed`);
  return browser.get(`/change?name=${name}&at=0&change=add`).then((response) => response.json());
}
