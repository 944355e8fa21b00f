import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Two nodes of the chat, on two ports, with one Redis. Ends when both have ended. */
const PORTS = [3000, 3001];

const env = { REDIS_URL: "redis://127.0.0.1:6379", ...process.env };
const server = fileURLToPath(new URL("server.ts", import.meta.url));
const nodes = PORTS.map((port) =>
  spawn(process.execPath, ["--import", "tsx", server], {
    env: { ...env, PORT: `${port}` },
    stdio: "inherit",
  }),
);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // From a terminal all of them get it; from elsewhere only this one.
  process.on(signal, () => {
    for (const node of nodes) node.kill(signal);
  });
}
