import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { CodeBlock, Page } from "./markdown.ts";

/** Where the code of pages is put: in the repository, so that it finds the package by its name, and ignored by git. */
const folder = resolve("test/docs/.generated");

const compilerOptions = {
  allowJs: true,
  checkJs: false,
  noUnusedLocals: false,
  types: ["node"],
};

export function isCode({ language }: CodeBlock): boolean {
  return language === "ts" || language === "js";
}

/**
 * Writes each block of code into a file of its own, beside what the page takes as given: `prologues/<page>`. Gives the
 * project's folder, which is the test's own.
 */
export function generate({ path, blocks }: Page, test: string): string {
  const name = basename(path, ".md");
  const project = join(folder, `${test}-${path.replaceAll("/", "-")}`);
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  const prologue = resolve("test/docs/prologues", name);
  if (existsSync(prologue)) cpSync(prologue, project, { recursive: true });
  for (const { file, language, code, line } of blocks.filter(isCode)) {
    // At the line that it has in the page, so that errors name that; and a module, whatever is in it.
    const text = `${"\n".repeat(line - 1)}${code}export {};\n`;
    writeFileSync(join(project, file ?? `line-${line}.${language}`), text);
  }
  // By name: patterns pass over folders that begin with a dot.
  const config = {
    extends: "../../../../tsconfig.json",
    compilerOptions,
    files: readdirSync(project),
    include: [],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
  return project;
}
