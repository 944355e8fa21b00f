import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { redisServerBinary } from "../support/redis-binary.ts";

/** A redis-server or a valkey-server. */
export interface Server {
  readonly binary: string;
  /** As in `Redis 7.0.15`. */
  readonly name: string;
}

/** The redis-server of the PATH, then those of `REDIS_SERVERS`, then a valkey-server of the PATH if there is one. */
export function servers(): [Server, ...Server[]] {
  const given = (process.env.REDIS_SERVERS ?? "").split(",").filter((path) => path !== "");
  const valkey = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "valkey-server"))
    .find((path) => existsSync(path));
  const others = [...new Set([...given, ...(valkey ? [valkey] : [])])];
  return [serverAt(redisServerBinary()), ...others.map(serverAt)];
}

function serverAt(binary: string): Server {
  const answer = execFileSync(binary, ["--version"], { encoding: "utf8" });
  const [, kind, version] = /^(\w+) server v=([\d.]+)/.exec(answer) ?? [];
  if (!kind || !version) throw new Error(`${binary} is no redis-server and no valkey-server: ${answer}`);
  return { binary, name: `${kind} ${version}` };
}
