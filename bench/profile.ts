import { writeFileSync } from "node:fs";
import { type Profiler, Session } from "node:inspector/promises";
import { resolve } from "node:path";
import type { ServerProcess } from "./server-process.ts";
import type { Command } from "./ws-protocol.ts";

/** A function's own time, without what it calls. */
export interface SelfTime {
  where: string;
  share: number;
}

let inspector: Session | undefined;

export async function startProfile(): Promise<true> {
  inspector = new Session();
  inspector.connect();
  await inspector.post("Profiler.enable");
  await inspector.post("Profiler.start");
  return true;
}

/**
 * The functions that took most of the time since `startProfile` in which the process was not idle. All of it is
 * written to `file`, for the developer tools of a browser.
 */
export async function profileSince(file: string): Promise<SelfTime[]> {
  const profiled = await inspector?.post("Profiler.stop");
  inspector?.disconnect();
  writeFileSync(file, JSON.stringify(profiled?.profile));
  const selfTimes = sumSelfTimes(profiled?.profile.nodes ?? []);
  selfTimes.delete("(idle) ");
  const total = [...selfTimes.values()].reduce((sum, hits) => sum + hits, 0);
  return [...selfTimes]
    .map(([where, hits]) => ({ where, share: hits / total }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 25);
}

function sumSelfTimes(nodes: readonly Profiler.ProfileNode[]): Map<string, number> {
  const selfTimes = new Map<string, number>();
  for (const { callFrame, hitCount = 0 } of nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const file = url.replace(/^.*?\/(?=(node_modules|dist|bench)\/)/, "");
    const where = `${functionName || "(anonymous)"} ${file && `${file}:${lineNumber + 1}`}`;
    selfTimes.set(where, (selfTimes.get(where) ?? 0) + hitCount);
  }
  return selfTimes;
}

/** Runs something under the profiler of a server, and prints the result. */
export async function profiled(
  server: ServerProcess,
  title: string,
  directory: string,
  run: () => Promise<unknown>,
): Promise<void> {
  const file = `${resolve(directory, title.replace(/\W+/g, "-"))}.cpuprofile`;
  await server.ask({ command: "profile" } satisfies Command);
  await run();
  const selfTimes = await server.ask<SelfTime[]>({ command: "profiled", file } satisfies Command);
  process.stderr.write(`${title}\n${profileText(selfTimes)}\n\n`);
}

function profileText(selfTimes: readonly SelfTime[]): string {
  return selfTimes
    .map(({ where, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${where}`)
    .join("\n");
}
