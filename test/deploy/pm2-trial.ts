import { writeFile } from "node:fs/promises";
import { json } from "node:stream/consumers";
import { eventually } from "../support/eventually.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { ask } from "./ask.ts";
import { figure, snippet } from "./docs.ts";
import { judge, whereabouts } from "./judge.ts";
import { Load } from "./load.ts";
import { Pm2 } from "./pm2.ts";
import { freePort, stopMs } from "./project.ts";
import type { Report } from "./report.ts";
import { visit } from "./visitor.ts";

const FILE = "ecosystem.config.cjs";

/** Processes of one machine by pm2, which are exchanged under load. */
export async function tryPm2(report: Report, folder: string, redis: RedisServer): Promise<void> {
  await writeFile(`${folder}/${FILE}`, snippet("js", FILE));
  const killMs = figure(snippet("js", FILE), /kill_timeout: ([\d_]+)/);
  report.check("stop() fits in kill_timeout", stopMs < killMs, { stopMs, killMs });
  const wasGood = report.isGood;
  const port = await freePort();
  const pm2 = await Pm2.install({ REDIS_URL: redis.url, PORT: String(port) });
  try {
    await pm2.start(folder, FILE);
    const online = await eventually(
      async () => {
        const list = await pm2.list(folder);
        if (list.length === 0 || list.some(({ status }) => status !== "online"))
          throw new Error(JSON.stringify(list));
        return list;
      },
      { withinMs: 90_000 },
    );
    report.check(
      "all processes are online, in a cluster",
      online.every(({ mode }) => mode === "cluster_mode"),
      online.length,
    );

    const origin = `http://127.0.0.1:${port}`;
    const pick = () => origin;
    // Online is a process that has started; it may not listen yet.
    const listening = new Set<unknown>();
    await eventually(
      async () => {
        const { pid } = (await json(await ask(`${origin}/me`, { agent: false }))) as { pid: number };
        listening.add(pid);
        if (listening.size < online.length) throw new Error(`${listening.size} processes listen`);
      },
      { withinMs: 60_000 },
    );
    const names = Array.from({ length: 12 }, (_, at) => `visitor-${at}`);
    const visitors = await Promise.all(names.map((user) => visit({ user, pick, origin })));
    const load = new Load({ pick, users: 6 });
    const before = new Set((await whereabouts(visitors)).values());
    report.same("they are spread over all of them", before.size, online.length);

    const began = performance.now();
    await pm2.run(folder, "reload", FILE);
    report.note("pm2 reload", { ms: Math.round(performance.now() - began) });
    await judge(report, load, visitors);
    const after = [...(await whereabouts(visitors)).values()];
    report.same("nobody is on a process of before", after.filter((pid) => before.has(pid)).length, 0);
    const killed = (await pm2.log())
      .split("\n")
      .filter((line) => /SIGKILL|still not killed|not responding/i.test(line));
    report.same("no process had to be killed", killed, []);
    for (const { client } of visitors) client.close();
    await pm2.run(folder, "delete", "app");
    report.same("pm2 delete leaves none", (await pm2.list(folder)).length, 0);
  } finally {
    if (wasGood && !report.isGood) console.log((await pm2.log()).replace(/^.*failed to kill.*\n/gm, ""));
    await pm2.end(folder);
  }
}
