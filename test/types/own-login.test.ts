import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";

// The name `login` was taken, whatever an app had under it.
test("an app with a `login` of its own compiles, and has the stack's under the name that it chooses", async () => {
  const tsc = resolve("node_modules/.bin/tsc");
  const { stdout } = await promisify(execFile)(tsc, [
    "-p",
    "test/types/own-login",
    "--pretty",
    "false",
  ]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe("");
}, 60_000);
