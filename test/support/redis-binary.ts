import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const oldestMajor = 7;
const howToGetIt =
  "Tests need redis-server 7 on the PATH (Debian: apt-get install redis-server; macOS: brew install redis), or REDIS_URL.";

/** The path of redis-server 7 or newer. Installs a missing one for root on Debian or Ubuntu. */
export function redisServerBinary(): string {
  let binary = findOnPath();
  if (binary === undefined && canInstall()) {
    install();
    binary = findOnPath();
  }
  if (binary === undefined) throw new Error(howToGetIt);
  assertRecent(binary);
  return binary;
}

function findOnPath(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, "redis-server")).find((file) => existsSync(file));
}

function canInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/etc/os-release")) return false;
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8"));
}

function install(): void {
  console.log("redis-server is not on the PATH: installing it with apt-get.");
  // RUNLEVEL=1 tells the package's scripts that no service is to be started.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const waitForLock = ["-o", "DPkg::Lock::Timeout=120"];
  try {
    execFileSync("apt-get", ["update"], { env, stdio: "pipe" });
    execFileSync("apt-get", ["install", "-y", "--no-install-recommends", ...waitForLock, "redis-server"], {
      env,
      stdio: "pipe",
    });
  } catch (cause) {
    throw new Error(`apt-get could not install redis-server. ${howToGetIt}`, { cause });
  }
}

function assertRecent(binary: string): void {
  const answer = execFileSync(binary, ["--version"], { encoding: "utf8" });
  const version = /v=((\d+)[\d.]*)/.exec(answer);
  if (Number(version?.[2]) >= oldestMajor) return;
  throw new Error(`${binary} is version ${version?.[1] ?? "unknown"}. ${howToGetIt}`);
}
