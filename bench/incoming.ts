import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { markdownTable, spread } from "./report.ts";

/**
 * What one text message of 64 KiB costs to read, by its shape: `tsx bench/incoming.ts`. With the path of another
 * checkout, as `tsx bench/incoming.ts ../before`, that one's.
 */
const BYTES = 65_536;
const ROUNDS = 15;
const MESSAGES = 40;

const [checkout = "."] = process.argv.slice(2);
const file = pathToFileURL(resolve(checkout, "lib/realtime/messages/protocol.ts")).href;
const { parseMessage } = (await import(file)) as {
  parseMessage: (text: string, isHandled?: (type: string) => boolean) => unknown;
};

/** A message of an event, with as many of a piece as fit. */
function message(type: string, text: string, piece: (at: number) => string): string {
  const [before, after] = [`{"event_type":"${type}","data":{"text":"${text}","list":[`, "]}}"];
  let list = "";
  for (let at = 0; ; at++) {
    const next = `${at === 0 ? "" : ","}${piece(at)}`;
    if (before.length + list.length + next.length + after.length > BYTES) return before + list + after;
    list += next;
  }
}

const harmless = "\\u0041";
const shapes: [name: string, text: string][] = [
  ["one long text", message("chat", "", () => `"${"x".repeat(60_000)}"`)],
  ["one long text, escaped", message("chat", harmless, () => `"${"x".repeat(60_000)}"`)],
  ["empty lists", message("chat", "", () => "[]")],
  ["empty lists, with an escape", message("chat", harmless, () => "[]")],
  ["empty lists, with an escape of a letter of __proto__", message("chat", "\\u005f", () => "[]")],
  ["numbers, with such an escape", message("chat", "\\u005f", () => "1")],
  ["objects of one key, with such an escape", message("chat", "\\u005f", (at) => `{"${at}":1}`)],
  ["the same, of an event that nobody handles", message("other", "\\u005f", (at) => `{"${at}":1}`)],
];

const rows = shapes.map(([name, text]) => {
  const isHandled = (type: string) => type === "chat";
  const ms: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    for (let at = 0; at < MESSAGES; at++) {
      try {
        parseMessage(text, isHandled);
      } catch {
        // Of the event that nobody handles.
      }
    }
    ms.push((performance.now() - begin) / MESSAGES);
  }
  return [name, String(text.length), spread(ms, 2)];
});
console.log(markdownTable(["message", "bytes", "ms, median (lowest–highest)"], rows));
