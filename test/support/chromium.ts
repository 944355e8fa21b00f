import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const HOW_TO_GET_IT = "Chromium is not on the PATH (Debian: apt-get install chromium)";

/** No sandbox, because containers have none, and no background requests. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The path of Chromium, if it is there. */
export function chromiumBinary(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((file) => existsSync(file));
}

/** Installs a missing Chromium, for root on Debian. It need not succeed: without it a few tests are skipped. */
export function installChromium(): void {
  if (chromiumBinary() !== undefined || !canInstall()) return;
  console.log("Chromium is not on the PATH: installing it with apt-get.");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const waitForLock = ["-o", "DPkg::Lock::Timeout=120"];
  const install = ["install", "-y", "--no-install-recommends", ...waitForLock, "chromium"];
  try {
    execFileSync("apt-get", ["update"], { env, stdio: "pipe" });
    execFileSync("apt-get", install, { env, stdio: "pipe" });
  } catch (error) {
    console.warn(`apt-get could not install Chromium: ${error}`);
  }
}

/** Starts Chromium without a window. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumBinary();
  if (executablePath === undefined) throw new Error(HOW_TO_GET_IT);
  return chromium.launch({ executablePath, args: ARGS });
}

/** A block of tests in Chromium. Without it each test is skipped, and its title says why; in CI it fails. */
export function describeInChromium(title: string, tests: (browserTest: jest.It) => void): void {
  if (chromiumBinary() !== undefined || process.env.CI) {
    describe(title, () => tests(it));
    return;
  }
  const skipped = ((name: string) => it.skip(`${name} (skipped: ${HOW_TO_GET_IT})`, () => {})) as jest.It;
  describe(title, () => tests(skipped));
}

/** On Ubuntu the package is an empty one, which asks for snap. */
function canInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/etc/os-release")) return false;
  return /^ID="?debian"?$/m.test(readFileSync("/etc/os-release", "utf8"));
}
