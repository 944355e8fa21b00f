import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { generate, isCode } from "./generated.ts";
import { pages } from "./markdown.ts";

const withCode = pages().filter(({ blocks }) => blocks.some(isCode));

/** The compiler's output, empty without errors. */
async function compile(project: string): Promise<string> {
  const tsc = resolve("node_modules/.bin/tsc");
  return promisify(execFile)(tsc, ["-p", project, "--pretty", "false"]).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => `${stdout}${stderr}`,
  );
}

test("code is found in pages with code", () => {
  const found = withCode.map(({ path }) => path);
  const names = ["api", "backend", "migrating", "production", "security"].map((name) => `docs/${name}.md`);
  expect(found).toEqual(expect.arrayContaining(["README.md", ...names]));
  const count = withCode.flatMap(({ blocks }) => blocks.filter(isCode)).length;
  expect(count).toBeGreaterThan(30);
});

test.each(withCode.map((page) => [page.path, page] as const))(
  "all code in %s compiles",
  async (_, page) => {
    expect(await compile(generate(page, "code"))).toBe("");
  },
  60_000,
);
