import { readFileSync } from "node:fs";

const { exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

const redisClient = readFileSync(new URL("../../lib/redis-client/redis-client.ts", import.meta.url), "utf8");

/** The members of an interface whose comment speaks for all of them: commands and their arguments are node-redis's. */
function nodeRedis(name) {
  const [, body = ""] = new RegExp(`interface ${name} \\{\\n(.*?)\\n\\}`, "s").exec(redisClient) ?? [];
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(
    ([, member]) => `redis.${name}.${member}`,
  );
}

/** What the comment of the type says. */
const told = [
  ...["state", "forMs"].map((member) => `index.Departure.__type.${member}`),
  ...["outcome", "version", "current"].map((member) => `index.WriteResult.__type.${member}`),
  ...["value", "issues"].map((member) => `index.SchemaResult.__type.${member}`),
  "index.SchemaIssue.path.__type.key",
  "index.StandardSchema.~standard",
  ...["version", "validate", "types", "types.__type.input", "types.__type.output"].map(
    (member) => `index.StandardSchema.~standard.__type.${member}`,
  ),
];

/** The API reference of every entry of the package, of which nothing may be undocumented. */
/** @type {Partial<import("typedoc").TypeDocOptions>} */
const config = {
  name: "express-session-stack",
  entryPoints: Object.values(exports)
    .filter((entry) => typeof entry === "object")
    .map((entry) => entry.default.replace("./dist/", "../../lib/").replace(/\.js$/, ".ts")),
  tsconfig: "tsconfig.json",
  out: "../api-reference",
  readme: "none",
  excludeExternals: true,
  // Links to the sources need a remote that typedoc knows, which a copy need not have.
  disableSources: true,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // The compiler has its own step: npm run types.
  skipErrorChecking: true,
  // What only the package's own parts ask of a node.
  intentionallyNotExported: ["UnlistedNodes"],
  intentionallyNotDocumented: [...told, ...nodeRedis("RedisClient"), ...nodeRedis("RedisSubscriber")],
};

// biome-ignore lint/style/noDefaultExport: typedoc reads its options so
export default config;
