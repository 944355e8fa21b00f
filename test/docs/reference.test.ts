import { readFileSync } from "node:fs";
import { closeCodes } from "../../lib/index.ts";

/** Options by the heading under which they are to be, and where they are declared; in docs/api.md, unless it is said. */
const options: [heading: string, file: string, type: string, guide?: string][] = [
  ["### `sessionMiddleware(options)`", "middleware/session-options.ts", "SessionMiddlewareOptions"],
  ["### `cookieMiddleware(options)`", "middleware/cookie.ts", "CookieMiddlewareOptions"],
  ["### Backends", "sessions/memory-session-store.ts", "MemorySessionStoreOptions"],
  ["### Backends", "sessions/redis-session-store.ts", "RedisSessionStoreOptions"],
  ["### Backends", "bus/node.ts", "NodeOptions"],
  ["## `userSessions(sessionStack, options)`", "users/user-sessions.ts", "UserSessionsOptions"],
  [
    "## `webSocketSessions(sessionStack, options)`",
    "websocket/web-socket-options.ts",
    "WebSocketSessionsOptions",
  ],
  ["## `realtime(options)`", "realtime/realtime-options.ts", "RealtimeOptions"],
  ["## `realtime(options)`", "connections/user-connection-store.ts", "UserConnectionStoreOptions"],
  ["## Options", "client/client-options.ts", "RealtimeClientOptions", "docs/client.md"],
];

/** From a heading to the next one of its rank. */
function section(heading: string, guide = "docs/api.md"): string {
  const text = readFileSync(guide, "utf8");
  const from = text.indexOf(`${heading}\n`);
  if (from < 0) throw new Error(`${guide} has no ${heading}`);
  const rank = heading.indexOf(" ");
  const rest = text.slice(from + heading.length);
  const end = rest.search(new RegExp(`^#{2,${rank}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The members of an interface with their defaults, by its source. */
function declared(file: string, type: string): { name: string; byDefault: string | undefined }[] {
  const source = readFileSync(`lib/${file}`, "utf8");
  const body = new RegExp(`export interface ${type}\\b[^{]*\\{\\n(.*?)\\n\\}`, "s").exec(source)?.[1] ?? "";
  return [...body.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\n {2}(\w+)\??:/gs)].map(
    ([, comment = "", name = ""]) => ({
      name,
      byDefault: /@default (.+?)\s*$/m.exec(comment)?.[1],
    }),
  );
}

test.each(options)("under %s is every option of lib/%s with its default", (heading, file, type, guide) => {
  const found = declared(file, type);
  expect(found.length).toBeGreaterThan(0);
  const text = section(heading, guide);
  const missing = found.filter(({ name, byDefault }) => {
    const row = new RegExp(`^\\| \`${name}\` \\|.*`, "m").exec(text)?.[0];
    // Numbers and texts must be there as they are; what is said in words may be said in others.
    const isLiteral = byDefault !== undefined && /^(["[{\d]|true$|false$)/.test(byDefault);
    return !row || (isLiteral && !row.replaceAll("_", "").includes(byDefault.replaceAll("_", "")));
  });
  // The prefix of redisBackend is another than that of its part, which has a sentence.
  expect(missing.filter(({ name, byDefault }) => !(name === "prefix" && byDefault === '"sess:"'))).toEqual(
    [],
  );
});

describe("docs/api.md", () => {
  test("has every close code, with its reason", () => {
    const text = section("## Close codes");
    for (const [reason, code] of Object.entries(closeCodes))
      expect(text).toContain(`| ${code} | \`${reason}\` |`);
  });

  test.each([
    ["errors.ts", /\| "(ERR_\w+)"/g, "## Errors"],
    ["realtime/protocol.ts", /\| "(\w+)"/g, "### Wire format"],
  ] as const)("has every code of lib/%s", (file, pattern, heading) => {
    const codes = [...readFileSync(`lib/${file}`, "utf8").matchAll(pattern)].map(([, code = ""]) => code);
    expect(codes.length).toBeGreaterThan(4);
    expect(codes.filter((code) => !section(heading).includes(`\`${code}\``))).toEqual([]);
  });

  test("has every figure", () => {
    const source = readFileSync("lib/observability/metrics.ts", "utf8");
    const names = [...source.matchAll(/\b(?:gauge|counters?|seconds)\(\s*"(\w+)"/g)].map(
      ([, name = ""]) => name,
    );
    expect(names.length).toBeGreaterThan(10);
    const text = section("## Figures");
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });
});
