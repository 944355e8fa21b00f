import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { CodeBlock, Page } from "./markdown.ts";

/** The folder for the code of pages. In the repository the code finds the package by name. Git ignores it. */
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
 * Writes each block of code into a separate file, beside the page's prologue from `prologues/<page>`. Returns the
 * project's folder, which belongs to the test.
 */
export function generate({ path, blocks }: Page, test: string): string {
  const name = basename(path, ".md");
  const project = join(folder, `${test}-${path.replaceAll("/", "-")}`);
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  const prologue = resolve("test/docs/prologues", name);
  if (existsSync(prologue)) cpSync(prologue, project, { recursive: true });
  for (const { file, language, code, line } of blocks.filter(isCode)) {
    // The code keeps its line of the page, so errors name that line. The export makes it a module.
    const text = `${"\n".repeat(line - 1)}${code}export {};\n`;
    writeFileSync(join(project, file ?? `line-${line}.${language}`), text);
  }
  // By name, because patterns skip folders that begin with a dot.
  const config = {
    extends: "../../../../tsconfig.json",
    compilerOptions,
    files: readdirSync(project),
    include: [],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
  return project;
}
