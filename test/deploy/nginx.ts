import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { certificate } from "../support/certificate.ts";
import { endWithThisProcess } from "../support/end-with-this-process.ts";
import { changed, figure, snippet } from "./docs.ts";
import { freePort } from "./project.ts";

/** nginx with what docs/production.md gives. */
export interface Nginx {
  url: string;
  port: number;
  ca: Buffer;
  /** Seconds after which it cuts a connection on which nothing comes. */
  readTimeoutSeconds: number;
  stop(): Promise<void>;
}

/** What times are divided by, `pingIntervalMs` of the nodes too, so that nobody waits for minutes. */
export const quicker = 25;

export function isNginxHere(): boolean {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export async function startNginx(nodes: readonly [number, number]): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "session-stack-nginx-"));
  const port = await freePort();
  const { key, cert } = certificate();
  await writeFile(join(folder, "key.pem"), key, { mode: 0o600 });
  await writeFile(join(folder, "cert.pem"), cert);

  const code = snippet("nginx", "upstream");
  const readTimeoutSeconds = figure(code, /proxy_read_timeout (\d+)s;/) / quicker;
  const servers = changed(code, [
    ["10.0.0.11:3000", `127.0.0.1:${nodes[0]}`],
    ["10.0.0.12:3000", `127.0.0.1:${nodes[1]}`],
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    ["# ssl_certificate …", "ssl_certificate cert.pem; ssl_certificate_key key.pem;"],
    [`proxy_read_timeout ${readTimeoutSeconds * quicker}s;`, `proxy_read_timeout ${readTimeoutSeconds}s;`],
  ]);
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n");
  // One process, so that it can be ended as a whole.
  const main = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;\nevents {}\n`;
  await writeFile(join(folder, "nginx.conf"), `${main}http {\naccess_log off;\n${paths}\n${servers}}\n`);

  const args = ["-p", folder, "-e", `${folder}/error.log`, "-c", "nginx.conf"];
  const child = spawn("nginx", args, { stdio: ["ignore", "inherit", "inherit"] });
  endWithThisProcess(child, folder);
  await untilItListens(child, port);
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    ca: cert,
    readTimeoutSeconds,
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilItListens(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const line = connect(port, "127.0.0.1");
    const isOpen = await once(line, "connect").then(
      () => true,
      () => false,
    );
    line.destroy();
    if (isOpen) return;
    await delay(50);
  }
  throw new Error("nginx has ended");
}
