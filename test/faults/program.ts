import assert from "node:assert/strict";
import type { WebSocket } from "ws";
import type { Backend } from "../../lib/index.ts";
import { Browser, UpgradeRefusedError } from "../support/browser.ts";
import type { ListeningServer } from "../support/http-server.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { FAULT_KINDS, type Faults, type Operation } from "./faults.ts";
import { type Answer, answered, assertLines, closeAll, cookieOf, me, sidOf, stateOf } from "./observed.ts";

/** The nodes and the backend on which programs run. */
export interface Place {
  readonly nodes: readonly ListeningServer[];
  readonly backend: Backend;
  readonly faults: Faults;
  /** The operations that are under way, by the id that their requests carry. */
  readonly operations: Map<string, Operation>;
  /** The number of online events minus offline events of each user. */
  readonly online: ReadonlyMap<string, number>;
}

const KINDS = [
  ...["log-in", "log-in", "log-in-or-else", "log-in-insisting", "log-out", "destroy", "regenerate"],
  ...["set", "set", "explicit", "me", "delete", "delete", "list", "join", "leave", "connect"],
];
const OPERATIONS = 7;
/** Calls of an operation among which the one that fails is chosen: a login makes about so many. */
const CALLS = 10;
const FAULTS_OF_10 = 6;

/** The observations of an operation's client. */
interface Seen {
  /** Cookies of answered logins, and of those that have failed. */
  readonly logins: string[];
  readonly failed: string[];
  /** All other cookies that a client was sent. */
  readonly others: string[];
  /** Cookies that must no longer open a session of the user. */
  readonly ended: string[];
  /** Keys that were stored, by the session's id. */
  readonly stored: { sid: string; key: string }[];
  readonly lines: WebSocket[];
}

/** One program of a user's devices with failing backend calls. Throws with the program if a guarantee is broken. */
export async function runProgram(seed: number, place: Place): Promise<void> {
  const program: Operation[] = [];
  try {
    await run(seededRandom(seed), `u${seed}`, place, program);
  } catch (error) {
    const steps = program.map(({ name, hit }) => `  ${name}${hit ? `  <- ${hit}` : ""}`).join("\n");
    throw new Error(`SEED=${seed}: ${(error as Error).message}\n${steps}`, { cause: error });
  }
}

async function run(random: SeededRandom, user: string, place: Place, program: Operation[]): Promise<void> {
  const { nodes, operations, faults } = place;
  const jars = [new Map<string, string>(), new Map<string, string>()];
  const browsers: Browser[] = [];
  const seen: Seen = { logins: [], failed: [], others: [], ended: [], stored: [], lines: [] };

  /** A browser with the cookies that the device has now: what comes back meanwhile is another request's. */
  const browserOf = (jar: ReadonlyMap<string, string>) => {
    const browser = new Browser((random.pick(nodes) as ListeningServer).url);
    for (const [name, value] of jar) browser.cookies.set(name, value);
    browsers.push(browser);
    return browser;
  };

  async function operate(kind: string, at: number): Promise<void> {
    const jar = random.pick(jars) as Map<string, string>;
    const fault =
      random.int(10) < FAULTS_OF_10 ? { at: random.int(CALLS), kind: random.pick(FAULT_KINDS) } : undefined;
    const operation: Operation = { name: kind, fault, calls: 0 };
    const id = `${user}-${at}`;
    operations.set(id, operation);
    program.push(operation);
    const browser = browserOf(jar);
    const sent = cookieOf(browser);
    const before = [...seen.logins];
    const headers = { "x-operation": id };
    const post = (path: string): Promise<Answer> => browser.post(path, { headers });
    if (kind === "connect") {
      const line = await browser.webSocket("/ws", { headers }).catch((error) => {
        if (!(error instanceof UpgradeRefusedError)) throw error;
      });
      if (line) seen.lines.push(line);
    } else {
      const key = `key${at}`;
      const answer = await post(pathOf(kind, user, key));
      operation.name = `${kind} -> ${answer.status}`;
      note(kind, answer, { sent, before, key, got: cookieOf(browser) });
    }
    for (const [name, value] of browser.cookies) jar.set(name, value);
    for (const name of jar.keys()) if (!browser.cookies.has(name)) jar.delete(name);
  }

  function note(
    kind: string,
    { status, body }: Answer,
    { sent, before, key, got }: { sent: string; before: string[]; key: string; got: string },
  ): void {
    const isDone = status === 200;
    if (kind === "log-in" && isDone) seen.logins.push(got);
    // One that has sent no other cookie leaves the session that was there.
    else if (kind === "log-in" && got !== sent) seen.failed.push(got);
    else seen.others.push(got);
    if (kind === "log-in" && isDone && sent !== got) seen.ended.push(sent);
    if (["log-out", "destroy", "regenerate"].includes(kind) && isDone) seen.ended.push(sent);
    if (kind === "delete" && isDone) seen.ended.push(...before);
    if (["set", "explicit"].includes(kind) && isDone) seen.stored.push({ sid: JSON.parse(body), key });
  }

  try {
    for (let at = 0; at < OPERATIONS; ) {
      const together = Math.min(1 + random.int(3), OPERATIONS - at);
      const steps = Array.from({ length: together }, () => [random.pick(KINDS) as string, at++] as const);
      await Promise.all(steps.map(([kind, number]) => operate(kind, number)));
    }
    await faults.settled();
    await assertKept(place, user, seen);
    await answered(() => browserOf(new Map()).post(`/delete/${user}`));
    const { sessions, entries } = await stateOf(place.backend, user);
    assert.deepEqual([[...sessions.keys()], [...entries.keys()]], [[], []], "and leaves nothing of the user");
    for (const cookie of [...seen.logins, ...seen.failed])
      assert.notEqual((await me(place.nodes, cookie)).userId, user, "nor a cookie that is logged in");
    await assertLines(place, user, seen.lines);
  } finally {
    await closeAll(seen.lines, browsers);
  }
}

function pathOf(kind: string, user: string, key: string): string {
  if (kind === "explicit") return `/set/${key}?explicit=yes`;
  if (kind === "set") return `/set/${key}`;
  return ["log-out", "destroy", "regenerate", "me"].includes(kind) ? `/${kind}` : `/${kind}/${user}`;
}

/** The guarantees, once all has taken effect that was asked for. */
async function assertKept(place: Place, user: string, seen: Seen): Promise<void> {
  const { nodes, backend, faults } = place;
  assert.deepEqual(faults.broughtBack, [], "sessions that were written after they had been removed");
  for (const cookie of new Set(seen.ended)) {
    if (!cookie) continue;
    const found = await me(nodes, cookie);
    assert.notEqual(found.userId, user, "a session that was ended, or deleted with the user's, is logged in");
  }
  for (const cookie of seen.failed) {
    const found = await me(nodes, cookie);
    assert.notEqual(found.userId, user, "a login that has failed is logged in");
  }
  const clients = [...seen.logins, ...seen.failed, ...seen.others].filter(Boolean).map(sidOf);
  const { sessions, entries } = await stateOf(backend, user, clients);
  for (const [sid, { expiresAt, data }] of sessions) {
    const entry = entries.get(sid);
    assert.ok(entry !== undefined, "a session that lives is missing from the index");
    assert.ok(entry > expiresAt - 2_000, "an entry of the index expires before its session");
    for (const stored of seen.stored)
      if (stored.sid === sid)
        assert.ok(stored.key in data, `${stored.key} was answered with 200, and is lost`);
  }
  await assertLines(place, user, seen.lines);
}
