import { type Profiler, Session } from "node:inspector/promises";

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

/** The functions that took most of the time since `startProfile` in which the process was not idle. */
export async function profileSince(): Promise<SelfTime[]> {
  const profiled = await inspector?.post("Profiler.stop");
  inspector?.disconnect();
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

export function profileText(selfTimes: readonly SelfTime[]): string {
  return selfTimes
    .map(({ where, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${where}`)
    .join("\n");
}
