import { relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

const root = resolve(import.meta.dirname, "../..");
const lib = resolve(root, "lib");
const ENTRY = /^(index|redis|client|testing)\.ts$/;

/** The program has its types from `lib`. In a column it takes the package that is installed there. */
const packed: Plugin = {
  name: "packed",
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const file = relative(lib, resolve(resolveDir, path));
      const entry = ENTRY.exec(file)?.[1];
      if (entry === "index") return { path: "express-session-stack", external: true };
      if (entry) return { path: `express-session-stack/${entry}`, external: true };
      // The two that tests have in common with the suites: they are of tests, not of the package.
      if (!file.startsWith("..") && !/^testing\/tools\/(within|eventually)\.ts$/.test(file))
        return { errors: [{ text: `${file} is no entry of the package` }] };
      return undefined;
    });
  },
};

/** Compiles the program and its node into a folder, since Node 20 runs no TypeScript. */
export async function bundleProgram(folder: string): Promise<void> {
  const files = ["main.ts", "node-main.ts"].map((file) => resolve(import.meta.dirname, "program", file));
  await build({
    entryPoints: files,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    plugins: [packed],
    logLevel: "warning",
  });
}
