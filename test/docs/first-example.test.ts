import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser, nextMessage } from "../support/browser.ts";
import { endWithThisProcess } from "../support/end-with-this-process.ts";
import { type PackedProject, packedProject } from "../support/packed-project.ts";
import { within } from "../support/within.ts";
import { page } from "./markdown.ts";

let project: PackedProject;

beforeAll(async () => {
  project = await packedProject();
}, 60_000);

afterAll(() => project?.remove());

/** Makes the example listen on any free port and print it, because its own port may be in use. */
const anyPort = `
import { Server } from "node:net";
const { listen } = Server.prototype;
Server.prototype.listen = function (_port, ...rest) {
  this.once("listening", () => console.log("port " + this.address().port));
  return listen.call(this, 0, ...rest);
};
`;

test("the README's first example runs unchanged with the packed package, with one session for HTTP and WebSocket", async () => {
  const [example] = page("README.md", readFileSync("README.md", "utf8")).blocks;
  expect(example?.code).toContain("webSocketSessions");
  expect(example?.code.split("\n").length).toBeLessThan(25);
  await writeFile(join(project.folder, "index.mjs"), example?.code ?? "");
  await writeFile(join(project.folder, "any-port.mjs"), anyPort);

  const child = spawn(process.execPath, ["--import", "./any-port.mjs", "index.mjs"], {
    cwd: project.folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithThisProcess(child, await mkdtemp(join(tmpdir(), "session-stack-first-example-")));
  try {
    const port = await within(
      new Promise((resolve, reject) => {
        let output = "";
        for (const stream of [child.stdout, child.stderr]) {
          stream.on("data", (text: Buffer) => {
            output += text;
            const found = /port (\d+)/.exec(output);
            if (found) resolve(found[1]);
          });
        }
        child.once("exit", () => reject(new Error(`It has ended: ${output}`)));
      }),
      10_000,
      "start of the example",
    );
    const browser = new Browser(`http://127.0.0.1:${port}`);
    expect((await browser.get("/")).json()).toEqual({ visits: 1 });
    expect(browser.cookies.has("connect.sid")).toBe(true);
    expect((await browser.get("/")).json()).toEqual({ visits: 2 });
    const ws = await browser.webSocket("/ws");
    expect(await nextMessage(ws)).toBe("visit 3");
    expect((await browser.get("/")).json()).toEqual({ visits: 4 });
    ws.close();
    browser.close();
  } finally {
    child.kill("SIGKILL");
  }
}, 30_000);
