import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

interface Package {
  version: string;
  dependencies?: Record<string, string>;
}

/** The packages of an installation beside the package itself, by the lockfile from its dependencies on. */
function installed(): string[] {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, Package>;
  };
  const found = new Set<string>();
  const waiting = Object.keys(packages[""]?.dependencies ?? {});
  for (let name = waiting.pop(); name; name = waiting.pop()) {
    const { version, dependencies = {} } = packages[`node_modules/${name}`] as Package;
    if (found.has(`${name}@${version}`)) continue;
    found.add(`${name}@${version}`);
    waiting.push(...Object.keys(dependencies));
  }
  return [...found].sort();
}

// Once, `npm sbom --omit dev` left out debug, because it is also a development dependency.
test("npm run sbom lists the package and exactly the packages installed with it, each with its hash", () => {
  const sbom = JSON.parse(execFileSync("npm", ["run", "--silent", "sbom"], { encoding: "utf8" })) as {
    bomFormat: string;
    metadata: { component: { name: string } };
    components: { name: string; version: string; hashes: { alg: string }[] }[];
  };
  expect(sbom.bomFormat).toBe("CycloneDX");
  expect(sbom.metadata.component.name).toBe("express-session-stack");
  expect(sbom.components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual(installed());
  expect(installed()).toContainEqual(expect.stringMatching(/^debug@/));
  for (const { hashes } of sbom.components) expect(hashes.map(({ alg }) => alg)).toEqual(["SHA-512"]);
});
