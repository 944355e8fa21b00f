import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Packages in a folder of their own: what is only tried here is no dependency. */
export interface Installed {
  folder: string;
  remove(): Promise<void>;
}

export async function installed(...packages: string[]): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), "session-stack-deploy-"));
  const args = ["install", "--prefix", folder, "--no-audit", "--no-fund", "--omit=optional", ...packages];
  await promisify(execFile)("npm", args);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
