import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CONTRACTS, DOORSTEP, ENTRIES, ROOMS } from "./rooms.ts";

const MOST_FILES = 12;
const MOST_LINES = 250;

const files = readdirSync("lib", { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".ts"),
);
const sources = new Map(files.map((file) => [file, readFileSync(join("lib", file), "utf8")]));

/** What a file imports: files of lib by their path, packages by their name. */
function importsOf(file: string): string[] {
  const found = (sources.get(file) as string).matchAll(/(?:\bfrom |^import |\bimport\()"([^"]+)"/gm);
  return [...found].map(([, name = ""]) => (name.startsWith(".") ? join(dirname(file), name) : name));
}

function roomOf(file: string): string {
  if (CONTRACTS.has(file)) return "contracts";
  const folder = dirname(file);
  if (folder === ".") return file;
  return folder.startsWith("testing/") ? "testing" : folder;
}

const edges = files.flatMap((from) =>
  importsOf(from)
    .filter((to) => sources.has(to))
    .map((to) => ({ from, to, rooms: [roomOf(from), roomOf(to)] as [string, string] })),
);

test("each room imports only what the table lets it import", () => {
  const wrong = edges.filter(({ rooms: [from, to] }) => {
    if (from === to || ENTRIES.includes(from)) return false;
    return !(DOORSTEP.includes(to) || ROOMS[from]?.includes(to));
  });
  expect(wrong.map(({ from, to }) => `lib/${from} imports lib/${to}`)).toEqual([]);
});

test("the table allows only imports that exist", () => {
  const used = new Set(edges.map(({ rooms }) => rooms.join(" > ")));
  const allowed = Object.entries(ROOMS).flatMap(([from, all]) => all.map((to) => `${from} > ${to}`));
  expect(allowed.filter((each) => !used.has(each))).toEqual([]);
  expect([...CONTRACTS].filter((file) => !sources.has(file))).toEqual([]);
});

test("no files import each other in a circle, not even types", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  function walk(file: string, path: readonly string[]): void {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" > "));
    else if (!done.has(file)) {
      for (const to of importsOf(file)) if (sources.has(to)) walk(to, [...path, file]);
      done.add(file);
    }
  }
  for (const file of files) walk(file, []);
  expect(circles).toEqual([]);
});

test("only files named after Redis import a Redis package", () => {
  const packages = ["redis", "@redis/client", "connect-redis"];
  const wrong = files.filter(
    (file) => !file.includes("redis") && importsOf(file).some((name) => packages.includes(name)),
  );
  expect(wrong).toEqual([]);
});

test("the doorstep has only the entries and shared files", () => {
  const doorstep = readdirSync("lib", { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  expect(doorstep.map(({ name }) => name).sort()).toEqual([...ENTRIES, ...DOORSTEP].sort());
});

test(`a folder with more than ${MOST_FILES} files has rooms, and no file has more than ${MOST_LINES} lines`, () => {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > MOST_FILES)).toEqual([]);
  const long = files.filter(
    (file) => (sources.get(file) as string).trimEnd().split("\n").length > MOST_LINES,
  );
  expect(long).toEqual([]);
});

test("no test file has more lines", () => {
  const tests = readdirSync("test", { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.includes(".generated/") && !name.includes("node_modules/"),
  );
  const long = tests.filter(
    (name) => readFileSync(join("test", name), "utf8").trimEnd().split("\n").length > MOST_LINES,
  );
  expect(long).toEqual([]);
});

test("two files share a name only if they are the same part of two suites", () => {
  const outside = files.filter((file) => !file.startsWith("testing/"));
  const known = new Map<string, string>();
  const twice: string[] = [];
  for (const file of [...outside, ...files.filter((each) => !outside.includes(each))]) {
    const name = file.split("/").at(-1) as string;
    const first = known.get(name);
    if (first && !first.startsWith("testing/")) twice.push(`${first} and ${file}`);
    known.set(name, first ?? file);
  }
  expect(twice).toEqual([]);
});
