import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { generate } from "./generated.ts";
import { page } from "./markdown.ts";

test("the backend of docs/backend.md passes all suites, as that page runs them", async () => {
  const project = generate(page("docs/backend.md", readFileSync("docs/backend.md", "utf8")), "backend");
  const args = ["--import", "tsx", "--test", "--test-reporter=tap", `${project}/backend.test.ts`];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 2 ** 26 }).catch(
    (error) => error as { stdout: string },
  );
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(stdout)?.[1]);
  expect(stdout.split("\n").filter((line) => /^\s*not ok/.test(line))).toEqual([]);
  expect(count("fail")).toBe(0);
  expect(count("pass")).toBeGreaterThan(200);
}, 240_000);
