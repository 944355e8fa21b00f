import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** One line of what the figures depend on, beside the code. */
export function machine(redisVersion: string, packages: readonly string[]): string {
  const [cpu] = cpus();
  return [
    `${cpu?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores`,
    `node ${process.versions.node}`,
    `redis-server ${redisVersion}`,
    ...packages.map((name) => `${name} ${packageVersion(name)}`),
  ].join(" · ");
}

// Not by `import`: some packages do not export their package.json.
function packageVersion(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
