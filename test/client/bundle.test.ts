import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterThisTest } from "./support.ts";

const root = resolve(__dirname, "../..");
const entry = join(root, "lib/client.ts");

/** The whole entry, bundled for browsers. An import of Node or of a package would be an error. */
async function bundle(format: "esm" | "iife"): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: "browser",
    target: "es2022",
    format,
    globalName: "stack",
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain("lib/client.ts");
  expect(inputs.filter((input) => !input.startsWith("lib/"))).toEqual([]);
  return outputFiles[0]?.text ?? "";
}

test("the whole client is smaller than 4 KB, gzipped", async () => {
  const bytes = gzipSync(await bundle("esm"), { level: 9 }).length;
  expect(bytes).toBeLessThan(4_096);
});

test("it imports neither Node nor any package", async () => {
  const text = await bundle("esm");
  expect(text).not.toMatch(/\bimport\b|\brequire\b/);
});

test("it works with the globals of a browser's worker alone", async () => {
  const made: string[] = [];
  class WebSocket {
    constructor(url: string) {
      made.push(url);
    }
    close(): void {
      made.push("closed");
    }
  }
  const location = { href: "https://example.com/page" };
  const timers = { setTimeout, clearTimeout, setInterval, clearInterval };
  const context = createContext({ WebSocket, URL, performance, location, ...timers });
  runInContext(await bundle("iife"), context);
  runInContext('stack.realtimeClient({ url: "/ws" }).close()', context);
  expect(made).toEqual(["wss://example.com/ws", "closed"]);
});

test("its types need no types of Node, and accept the browser's WebSocket", async () => {
  const folder = await mkdtemp(join(root, "test/client/.dom-"));
  afterThisTest(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, "app.ts"),
    `import { realtimeClient, type WebSocketClass } from "../../../lib/client.ts";
    export const ofBrowsers: WebSocketClass = WebSocket;
    realtimeClient({ url: "/ws", WebSocket }).onState((state) => document.title = state).close();`,
  );
  const compilerOptions = { lib: ["es2023", "dom"], types: [], skipLibCheck: false };
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../../tsconfig.json", compilerOptions, include: ["app.ts"] }),
  );
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", folder, "--listFilesOnly"],
    { cwd: root },
  );
  expect(stdout).toContain("lib/client/socket-line.ts");
  expect(stdout).not.toMatch(/@types\/(node|ws)/);
  await promisify(execFile)(process.execPath, [
    join(root, "node_modules/typescript/bin/tsc"),
    "-p",
    folder,
  ]).catch(({ stdout: errors }) => {
    throw new Error(errors);
  });
});

test("each of its files imports only files of the client or files without Node", async () => {
  const folder = join(root, "lib/client");
  for (const name of (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"))) {
    const imports = [...(await readFile(join(folder, name), "utf8")).matchAll(/from "([^"]+)"/g)].map(
      ([, from]) => from,
    );
    for (const from of imports)
      expect(from).toMatch(
        /^\.\.?\/(recovery\/)?[a-z-]+\.ts$|^\.\.\/(close-codes|realtime\/messages\/(event-map|protocol))\.ts$/,
      );
  }
});
