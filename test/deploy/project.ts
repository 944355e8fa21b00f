import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { transform } from "esbuild";
import { endWithThisProcess } from "../support/end-with-this-process.ts";
import { within } from "../support/within.ts";
import { figure, snippet } from "./docs.ts";

/** What docs/production.md says about stopping. */
export const stopCode = snippet("ts", "async function stop()");

/** How long it may take, by its own times. */
export const stopMs: number = [
  /delay\(([\d_]+)\)/,
  /drainMs: ([\d_]+)/,
  /closeAllConnections\(\), ([\d_]+)/,
  /client\.destroy\(\), ([\d_]+)/,
].reduce((sum, pattern) => sum + figure(stopCode, pattern), 0);

/** What it says that an app behind nginx sets. */
const settings = snippet("ts", "trust proxy");

const before = `import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { app, backend, client, server, wsSessions } from "./app.js";
`;
const behind = `
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listens"));
`;

/** Writes the app into a folder of its own: in the repository, so that it finds the package by its name. */
export async function writeApp(): Promise<string> {
  const parent = resolve("test/deploy/.generated");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(`${parent}/app-`);
  const code = { "app.js": await readFile("test/deploy/app.ts", "utf8") };
  for (const [name, text] of Object.entries({ ...code, "server.js": before + settings + stopCode + behind }))
    await writeFile(`${folder}/${name}`, (await transform(text, { loader: "ts", target: "es2022" })).code);
  return folder;
}

export const removeApp = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** A port that is free now, outside the range from which systems take ports for outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(20_000 + Math.floor(Math.random() * 10_000), "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    const { port } = server.address() as { port: number };
    await new Promise((closed) => server.close(closed));
    return port;
  }
}

export interface Node {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: number;
  /** What it has written. */
  readonly log: () => string;
  /** Resolves to the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export interface NodeOptions {
  folder: string;
  port: number;
  env: Record<string, string>;
}

/** Starts `node server.js`, and waits until it listens. */
export async function startNode({ folder, port, env }: NodeOptions): Promise<Node> {
  const child = spawn(process.execPath, ["server.js"], {
    cwd: folder,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithThisProcess(child, `${folder}/none`);
  let log = "";
  const ended = once(child, "exit").then(([code, signal]) => code ?? signal);
  const listening = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => {
        log += text;
        if (log.includes("listens")) resolve();
      });
    ended.then((how) => reject(new Error(`server.js ended with ${how}:\n${log}`)));
  });
  await within(listening, 60_000, "start of server.js");
  return { child, url: `http://127.0.0.1:${port}`, port, log: () => log, ended };
}

/** Ends what is left of a node. */
export async function endNode({ child, ended }: Node): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}
