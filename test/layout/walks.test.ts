import { existsSync, readFileSync } from "node:fs";

const MOST_FILES = 8;

const [, section = ""] = readFileSync("CONTRIBUTING.md", "utf8").split("## Four walks\n");
const walks = [...section.matchAll(/^\*\*(.+)\*\*\n\n((?:\d\. .+\n)+)/gm)].map(
  ([, title = "", steps = ""]) =>
    [title, [...steps.matchAll(/^\d\. `(lib\/[\w/-]+\.ts)`/gm)].map(([, file = ""]) => file)] as const,
);

test("CONTRIBUTING.md has four walks", () => {
  expect(walks).toHaveLength(4);
});

test.each(walks)("%s: each file exists, and none is visited twice", (_title, files) => {
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  expect(new Set(files).size).toBe(files.length);
  expect(files.length).toBeGreaterThan(2);
  expect(files.length).toBeLessThanOrEqual(MOST_FILES);
});
