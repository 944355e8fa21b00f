import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, normalize } from "node:path/posix";
import { promisify } from "node:util";
import { type Page, page, pages } from "./markdown.ts";

const all = pages();
const isOutside = (target: string) => /^[a-z]+:/.test(target);

/** The path in the repository, and the anchor there. */
function resolved({ path }: Page, target: string): { file: string; anchor: string } {
  const [name = "", anchor = ""] = target.split("#");
  return { file: name ? normalize(`${dirname(path)}/${name}`) : path, anchor };
}

test.each(all.map((each) => [each.path, each] as const))("links in %s have targets", (_, each) => {
  const lost = each.links
    .filter((target) => !isOutside(target))
    .filter((target) => {
      const { file, anchor } = resolved(each, target);
      if (!existsSync(file)) return true;
      const anchors = all.find(({ path }) => path === file)?.anchors;
      return anchor !== "" && !anchors?.has(anchor);
    });
  expect(lost).toEqual([]);
});

test("the package has all pages that the README links to, directly or indirectly", async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"]);
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const packed = new Set(files.map(({ path }) => path));
  const missing = all
    .filter(({ path }) => packed.has(path))
    .flatMap((each) =>
      each.links.filter((target) => !isOutside(target)).map((target) => resolved(each, target).file),
    )
    .filter((file) => !packed.has(file));
  expect(missing).toEqual([]);
}, 60_000);

test("the tests that docs/comparison.md names exist", () => {
  const text = readFileSync("docs/comparison.md", "utf8");
  const named = [...text.matchAll(/`(test\/[^`]+)`/g)].map(([, file = ""]) => file);
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((file) => !existsSync(file))).toEqual([]);
});

describe("a page", () => {
  test("has the anchors that repository hosts generate for headings", () => {
    const { anchors } = page(
      "a.md",
      "# `fn(a, ...b)`\n## A user's – things\n## Same\n## Same\n```sh\n# none\n```",
    );
    expect([...anchors]).toEqual(["fna-b", "a-users--things", "same", "same-1"]);
  });

  test("has links, except in code", () => {
    const { links } = page("a.md", '[a](b.md#c) `[d](e)` <img src="f.png">\n```md\n[g](h)\n```');
    expect(links).toEqual(["b.md#c", "f.png"]);
  });
});
