import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** A fenced block of code. */
export interface CodeBlock {
  language: string;
  /** The name in `file=` after the language. Other blocks of the page import the block by this name. */
  file: string | undefined;
  code: string;
  /** The line number of its first line of code, from 1. */
  line: number;
}

export interface Page {
  /** The path in the repository. */
  path: string;
  blocks: CodeBlock[];
  /** The anchors of its headings, as repository hosts generate them. */
  anchors: Set<string>;
  /** The targets of its links and images. */
  links: string[];
}

const root = resolve(".");

/** All pages for readers of the repository. */
export function pages(): Page[] {
  const paths = [
    ...readdirSync(root).filter((name) => name.endsWith(".md")),
    ...readdirSync(join(root, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
    "example/README.md",
  ];
  return paths.map((path) => page(path, readFileSync(join(root, path), "utf8")));
}

/** Parses a page. */
export function page(path: string, text: string): Page {
  const blocks: CodeBlock[] = [];
  const prose: string[] = [];
  let open: CodeBlock | undefined;
  for (const [at, line] of text.split("\n").entries()) {
    const fence = /^```(\w*)(?: file=(\S+))?$/.exec(line);
    if (!open && fence) open = { language: fence[1] ?? "", file: fence[2], code: "", line: at + 2 };
    else if (open && line === "```") {
      blocks.push(open);
      open = undefined;
    } else if (open) open.code += `${line}\n`;
    else prose.push(line);
  }
  if (open) throw new Error(`${path}: the block in line ${open.line} has no end`);
  const plain = prose.join("\n");
  return { path, blocks, anchors: anchors(plain), links: links(plain) };
}

function anchors(prose: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ""] of prose.matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}\p{Mark}_ -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; found.has(anchor); n++) anchor = `${slug}-${n}`;
    found.add(anchor);
  }
  return found;
}

function links(prose: string): string[] {
  // Code has no links, whatever it contains.
  const text = prose.replace(/`[^`\n]*`/g, "code");
  return [/\]\(([^()\s]+(?:\([^()\s]*\))?)\)/g, /\b(?:src|srcset|href)="([^"]+)"/g].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, target = ""]) => target),
  );
}
