import { readFileSync } from "node:fs";

const { exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** Commands and their arguments are node-redis's own. */
const nodeRedis = {
  "redis.RedisClient": [
    ["get", "getDel", "expire", "pTTL", "del", "hSet", "hGet", "hDel", "hmGet", "hRandFieldCountWithValues"],
    ["sAdd", "sRem", "sMembers", "sIsMember", "time", "zAdd", "zRange", "zRem", "zScore", "zRangeWithScores"],
    ["publish", "sPublish", "eval", "evalSha", "on", "duplicate", "isReady", "withCommandOptions"],
  ],
  "redis.RedisSubscriber": [
    ["on", "connect", "destroy", "subscribe", "unsubscribe", "sSubscribe", "sUnsubscribe"],
  ],
};

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
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  intentionallyNotDocumented: told.concat(
    Object.entries(nodeRedis).flatMap(([name, members]) =>
      members.flat().map((member) => `${name}.${member}`),
    ),
  ),
};

// biome-ignore lint/style/noDefaultExport: typedoc reads its options so
export default config;
