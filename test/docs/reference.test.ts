import { readFileSync } from "node:fs";
import { closeCodes } from "../../lib/index.ts";

/** The files that declare options, and the guide and heading that must list them. */
const options: [type: string, file: string, guide: string, heading: string][] = [
  [
    "SessionMiddlewareOptions",
    "middleware/session-options.ts",
    "docs/api.md",
    "### `sessionMiddleware(options)`",
  ],
  ["CookieMiddlewareOptions", "middleware/cookie.ts", "docs/api.md", "### `cookieMiddleware(options)`"],
  ["MemorySessionStoreOptions", "sessions/memory-session-store.ts", "docs/api.md", "### Backends"],
  ["MemoryLimits", "memory/memory-quotas.ts", "docs/api.md", "### Backends"],
  [
    "RedisSessionStoreOptions",
    "sessions/redis/redis-session-store-options.ts",
    "docs/api.md",
    "### Backends",
  ],
  ["NodeOptions", "bus/node/node-options.ts", "docs/api.md", "### Backends"],
  [
    "UserSessionsOptions",
    "users/user-sessions-options.ts",
    "docs/api.md",
    "## `userSessions(sessionStack, options)`",
  ],
  [
    "WebSocketSessionsOptions",
    "websocket/web-socket-options.ts",
    "docs/api.md",
    "## `webSocketSessions(sessionStack, options)`",
  ],
  ["RealtimeOptions", "realtime/realtime-options.ts", "docs/api.md", "## `realtime(options)`"],
  [
    "UserConnectionStoreOptions",
    "realtime/data/user-connection-store.ts",
    "docs/api.md",
    "## `realtime(options)`",
  ],
  ["RealtimeClientOptions", "client/client-options.ts", "docs/client.md", "## Options"],
];

/** The text from a heading to the next one of its level. */
function section(heading: string, guide = "docs/api.md"): string {
  const text = readFileSync(guide, "utf8");
  const from = text.indexOf(`${heading}\n`);
  if (from < 0) throw new Error(`${guide} has no ${heading}`);
  const rank = heading.indexOf(" ");
  const rest = text.slice(from + heading.length);
  const end = rest.search(new RegExp(`^#{2,${rank}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The members of an interface with their defaults, read from its source. */
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

test.each(options)("%s of lib/%s are in %s with their defaults", (type, file, guide, heading) => {
  const found = declared(file, type);
  expect(found.length).toBeGreaterThan(0);
  const text = section(heading, guide);
  const missing = found.filter(({ name, byDefault }) => {
    const row = new RegExp(`^\\| \`${name}\` \\|.*`, "m").exec(text)?.[0];
    // Numbers and strings must be identical. Defaults in words may be phrased differently.
    const isLiteral = byDefault !== undefined && /^(["[{\d]|true$|false$)/.test(byDefault);
    return !row || (isLiteral && !row.replaceAll("_", "").includes(byDefault.replaceAll("_", "")));
  });
  // The prefix of redisBackend differs from that of its part, and has its own sentence.
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
    ["realtime/messages/protocol.ts", /\| "(\w+)"/g, "### Wire format"],
  ] as const)("has every code of lib/%s", (file, pattern, heading) => {
    const codes = [...readFileSync(`lib/${file}`, "utf8").matchAll(pattern)].map(([, code = ""]) => code);
    expect(codes.length).toBeGreaterThan(4);
    expect(codes.filter((code) => !section(heading).includes(`\`${code}\``))).toEqual([]);
  });

  test("has every figure", () => {
    const source = readFileSync("lib/observability/metrics.ts", "utf8");
    const names = [...source.matchAll(/(?:\b(?:gauge|counters?)\(\s*"|\$\{PREFIX\})(\w+)["`]/g)].map(
      ([, name = ""]) => name,
    );
    expect(names.length).toBeGreaterThan(10);
    const text = section("## Figures");
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });
});
