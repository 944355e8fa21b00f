import { spawn } from "node:child_process";

/** Two nodes of the chat, on `PORT` and the one after it, with one Redis. */
const first = Number(process.env.PORT || 3000);
const env = { REDIS_URL: "redis://127.0.0.1:6379", ...process.env };
const nodes = [first, first + 1].map((port) =>
  spawn(process.execPath, ["--import", "tsx", `${import.meta.dirname}/server.ts`], {
    env: { ...env, PORT: `${port}` },
    stdio: "inherit",
    // In a group of its own: Ctrl-C reaches a node only through this process, and once.
    detached: true,
  }),
);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => nodes.map((node) => node.kill(signal)));
}
for (const node of nodes) {
  node.once("exit", (code) => {
    process.exitCode ||= code ?? 1;
    // One without the other is not what was asked for.
    for (const other of nodes) other.kill();
  });
}
