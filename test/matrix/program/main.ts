import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { within } from "../../support/within.ts";
import { type App, Visitor, withinMs } from "./app.ts";
import { clientConnects, givesFigures, loadsEntries, readsConnectRedis } from "./package-checks.ts";
import { beats, keepsConnectionData, restoresGroups, sendsToGroups } from "./realtime-checks.ts";
import {
  endsUsersSessions,
  logsInAndOut,
  mergesSaves,
  refusesForeignOrigins,
  savesWhenAsked,
  sharesSession,
  staysDeleted,
} from "./session-checks.ts";

/**
 * What is promised, tried on whatever is installed beside this file. Starts two nodes as processes; the outcome is the last
 * line: `{"passed": […], "failed": [{ "check", "why" }]}`.
 */
const CHECKS: Readonly<Record<string, (app: App) => Promise<void>>> = {
  "each entry loads by import and by require": loadsEntries,
  "HTTP and WebSocket share a session": sharesSession,
  "a WebSocket saves when it is asked": savesWhenAsked,
  "saves at the same time merge": mergesSaves,
  "a deleted session stays deleted": staysDeleted,
  "logIn and logOut": logsInAndOut,
  "deleteUserSessions on two nodes": endsUsersSessions,
  "a foreign origin is refused": refusesForeignOrigins,
  "groups and devices on two nodes": sendsToGroups,
  "groups are restored": restoresGroups,
  "data of a connection": keepsConnectionData,
  "heartbeats keep a connection": beats,
  "the browser client": clientConnects,
  "connect-redis reads ours, and we read its": readsConnectRedis,
  "figures for prom-client": givesFigures,
  "no warnings and no errors": hasNoTroubles,
};

async function hasNoTroubles({ urls }: App): Promise<void> {
  for (const node of urls.keys()) {
    const { body } = await new Visitor(app, node).get("/troubles");
    assert.deepEqual(JSON.parse(body), []);
  }
}

const { REDIS_URL = "", PREFIX = "", SECRET = "" } = process.env;
const children: ChildProcess[] = [];

async function startNode(): Promise<string> {
  const file = new URL("./node-main.mjs", import.meta.url).pathname;
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  children.push(child);
  const line = once(createInterface(child.stdout as Readable), "line");
  const ended = once(child, "exit").then(() => Promise.reject(new Error("a node has ended")));
  ended.catch(() => {});
  const [text] = await within(Promise.race([line, ended]), withinMs, "word from a node");
  return (JSON.parse(text) as { url: string }).url;
}

const urls = [await startNode(), await startNode()] as const;
const app: App = { urls, redisUrl: REDIS_URL, prefix: PREFIX, secret: SECRET };
const passed: string[] = [];
const failed: { check: string; why: string }[] = [];
for (const [check, run] of Object.entries(CHECKS)) {
  try {
    await within(run(app), 4 * withinMs, `end of "${check}"`);
    passed.push(check);
  } catch (error) {
    failed.push({ check, why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
for (const child of children) child.kill("SIGKILL");
console.log(JSON.stringify({ passed, failed }));
process.exit(failed.length === 0 ? 0 : 1);
