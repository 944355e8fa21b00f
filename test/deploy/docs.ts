import { readFileSync } from "node:fs";
import { page } from "../docs/markdown.ts";

const path = "docs/production.md";
const { blocks } = page(path, readFileSync(path, "utf8"));

/** The one block of docs/production.md that is in this language and has this text. */
export function snippet(language: string, text: string): string {
  const found = blocks.filter((block) => block.language === language && block.code.includes(text));
  if (found.length !== 1 || !found[0])
    throw new Error(`${path}: ${found.length} blocks of ${language} have "${text}"`);
  return found[0].code;
}

/** Changes what must differ from the docs; what is not there any more is an error, and never passed over. */
export function changed(code: string, changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${path}: "${from}" is not there`);
    return text.replaceAll(from, to);
  }, code);
}

/** A number that the docs give: the first group of the pattern. */
export function figure(code: string, pattern: RegExp): number {
  const found = pattern.exec(code)?.[1];
  if (found === undefined) throw new Error(`${path}: ${pattern} is not there`);
  return Number(found.replaceAll("_", ""));
}
