// Prints a bill of materials (CycloneDX) of what `npm install express-session-stack` brings: its dependencies, by the lockfile.
// `npm sbom --omit dev` of the repository itself leaves out what development depends on as well, such as `debug`.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DEVELOPMENT = ["devDependencies", "workspaces", "peerDependencies", "peerDependenciesMeta"];
const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
const released = (manifest) =>
  Object.fromEntries(Object.entries(manifest).filter(([name]) => !DEVELOPMENT.includes(name)));

const lock = read("package-lock.json");
const { "": root, ...others } = lock.packages;
const installed = Object.entries(others).filter(
  ([path, { dev, devOptional, peer, link }]) =>
    path.startsWith("node_modules/") && !dev && !devOptional && !peer && !link,
);
const temporary = mkdtempSync(join(tmpdir(), "session-stack-sbom-"));
// npm calls the package by the name of its folder.
const folder = join(temporary, root.name);
mkdirSync(folder);
try {
  const write = (name, contents) => writeFileSync(join(folder, name), JSON.stringify(contents));
  write("package.json", released(read("package.json")));
  write("package-lock.json", {
    ...lock,
    packages: { "": released(root), ...Object.fromEntries(installed) },
  });
  const sbom = ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"];
  process.stdout.write(execFileSync("npm", sbom, { cwd: folder, encoding: "utf8" }));
} finally {
  rmSync(temporary, { recursive: true });
}
