import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";

// Once, the stack used the name `login` even if an app had its own data there.
test("an app with its own `login` compiles, and has the stack's login under a name that it chooses", async () => {
  const tsc = resolve("node_modules/.bin/tsc");
  const { stdout } = await promisify(execFile)(tsc, [
    "-p",
    "test/types/own-login",
    "--pretty",
    "false",
  ]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe("");
}, 60_000);
