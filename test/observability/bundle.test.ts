import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build, type Format, type Plugin } from "esbuild";
import { afterThisTest } from "../websocket/support.ts";

/** Makes a package look as if it were not installed. */
const without = (name: string): Plugin => ({
  name: `without ${name}`,
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^${name}$`) }, () => ({
      errors: [{ text: `Could not resolve "${name}"` }],
    }));
  },
});

/** A server that adds its figures to a register like prom-client's, and returns the register's contents. */
const server = `
import { createServer } from "node:http";
import { cookieMiddleware, sessionMiddleware, sessionMiddlewareStack, webSocketSessions } from ${JSON.stringify(resolve("lib/index.ts"))};
const stack = sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret: "a secret of this test only" }));
const wsSessions = webSocketSessions(stack, { path: "/ws" });
createServer().on("upgrade", wsSessions.handleUpgrade);
const names = [];
wsSessions.metrics({ registerMetric: ({ name }) => names.push(name) }).then(() => {
  console.log(JSON.stringify(names));
  process.exit();
});
`;

// Once, it could not be bundled without prom-client, and looked for it beside the bundle when it ran.
test.each<Format>(["esm", "cjs"])(
  "a server can be bundled as %s without prom-client, and runs from an empty folder",
  async (format) => {
    const folder = await mkdtemp(join(tmpdir(), "session-stack-bundle-"));
    afterThisTest(() => rm(folder, { recursive: true }));
    const outfile = join(folder, format === "esm" ? "server.mjs" : "server.cjs");
    const { errors, warnings } = await build({
      stdin: { contents: server, resolveDir: resolve("."), loader: "ts" },
      bundle: true,
      platform: "node",
      format,
      outfile,
      logLevel: "silent",
      plugins: [without("prom-client")],
      // Some of its packages are CommonJS, and require Node's modules.
      ...(format === "esm" && {
        banner: {
          js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
        },
      }),
    });
    expect([errors, warnings]).toEqual([[], []]);
    expect(await readFile(outfile, "utf8")).not.toMatch(/["']prom-client["']/);
    const { stdout } = await promisify(execFile)(process.execPath, [outfile], { cwd: folder });
    const names = JSON.parse(stdout) as string[];
    expect(names).toHaveLength(23);
    expect(names).toContain("express_session_stack_connections");
  },
);
