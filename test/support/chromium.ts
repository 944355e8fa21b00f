import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const HOW_TO_GET_IT = "Chromium is not on the PATH (Debian: apt-get install chromium)";

/** No sandbox, as containers have none; and nothing that asks the network for something by itself. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The path of Chromium; root on Debian gets it installed when it is missing. Undefined if there is none. */
export function chromiumBinary(): string | undefined {
  const found = findOnPath();
  if (found !== undefined || !canInstall()) return found;
  install();
  return findOnPath();
}

/** Starts Chromium without a window. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumBinary();
  if (executablePath === undefined) throw new Error(HOW_TO_GET_IT);
  return chromium.launch({ executablePath, args: ARGS });
}

/**
 * A block of tests in Chromium. Without one, each test is skipped, and its title says why; in CI it fails.
 *
 * Titles are given when the file is read, and there Chromium is only looked for: it is installed when the first test starts.
 */
export function describeInChromium(title: string, tests: (browserTest: jest.It) => void): void {
  const canRun = findOnPath() !== undefined || canInstall() || Boolean(process.env.CI);
  const skipped = ((name: string) => it.skip(`${name} (skipped: ${HOW_TO_GET_IT})`, () => {})) as jest.It;
  describe(title, () => tests(canRun ? it : skipped));
}

function findOnPath(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((file) => existsSync(file));
}

/** On Ubuntu the package is an empty one, which asks for snap. */
function canInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/etc/os-release")) return false;
  return /^ID="?debian"?$/m.test(readFileSync("/etc/os-release", "utf8"));
}

function install(): void {
  console.log("Chromium is not on the PATH: installing it with apt-get.");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const waitForLock = ["-o", "DPkg::Lock::Timeout=120"];
  const packages = ["--no-install-recommends", ...waitForLock, "chromium"];
  try {
    execFileSync("apt-get", ["update"], { env, stdio: "pipe" });
    execFileSync("apt-get", ["install", "-y", ...packages], { env, stdio: "pipe" });
  } catch (cause) {
    throw new Error(`apt-get could not install Chromium. ${HOW_TO_GET_IT}.`, { cause });
  }
}
