import { existsSync, readdirSync, readFileSync } from "node:fs";

/** The rows of all tables whose last column is the test, by their first cell. */
function rows(text: string): [attack: string, tests: string[]][] {
  const found: [string, string[]][] = [];
  for (const table of text.match(/(^\|.*\|$\n?)+/gm) ?? []) {
    const [head = "", , ...body] = table.trimEnd().split("\n");
    if (!/\| test \|$/.test(head)) continue;
    for (const row of body) {
      const cells = row.slice(1, -1).split(/(?<!\\)\|/);
      expect(cells).toHaveLength(head.slice(1, -1).split("|").length);
      const names = [...(cells.at(-1) ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
      found.push([cells[0]?.trim() ?? "", names]);
    }
  }
  return found;
}

const all = rows(readFileSync("docs/security.md", "utf8"));

test.each(all)("the tests that docs/security.md names exist: %s", (_, tests) => {
  expect(tests.length).toBeGreaterThan(0);
  expect(tests.filter((name) => !existsSync(`test/${name}.test.ts`))).toEqual([]);
});

test("docs/security.md names all tests of test/security", () => {
  expect(all.length).toBeGreaterThan(50);
  const named = new Set(all.flatMap(([, tests]) => tests));
  const there = readdirSync("test/security").flatMap((file) => /^(.+)\.test\.ts$/.exec(file)?.[1] ?? []);
  expect(there.filter((name) => !named.has(`security/${name}`))).toEqual([]);
});
