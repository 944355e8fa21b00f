import { once } from "node:events";
import type { Socket } from "node:net";
import { eventually } from "../support/eventually.ts";
import { rawSocket } from "../support/raw-socket.ts";
import { frame, handshake } from "./raw-handshake.ts";
import { afterThisTest, serve } from "./support.ts";

const CONTINUATION = 0;
const TEXT = 1;
const PONG = 10;

/** Unsolicited pongs, as many as are read at once. Other data of the same read stays in memory as long. */
const PONGS = Buffer.concat(Array.from({ length: 500 }, () => frame("x".repeat(125), { opcode: PONG })));

// Once, a client that alternated one byte with 64 KiB of pongs made a message of 16 KiB hold a gigabyte.
describe("a message in fragments", () => {
  async function connected(maxPayload?: number): Promise<{ socket: Socket; heard: string[] }> {
    const heard: string[] = [];
    const served = await serve({
      webSocket: { path: "/ws", ...(maxPayload && { maxPayload }) },
      onConnection: (ws) => void ws.on("message", (message: Buffer) => heard.push(String(message))),
    });
    const socket = await rawSocket(served.port);
    afterThisTest(() => socket.destroy());
    socket.write(handshake("/ws"));
    await once(socket, "data");
    return { socket, heard };
  }

  test("holds only a part of the data that was read with it", async () => {
    const { socket } = await connected();
    let isClosed = false;
    socket.resume().on("close", () => {
      isClosed = true;
    });
    socket.on("error", () => {});
    globalThis.gc?.();
    const before = process.memoryUsage().arrayBuffers;
    socket.write(frame("[", { opcode: TEXT, isFinal: false }));
    let pieces = 1;
    for (; pieces < 400 && !isClosed; pieces++) {
      const isSent = socket.write(
        Buffer.concat([frame(" ", { opcode: CONTINUATION, isFinal: false }), PONGS]),
      );
      if (!isSent) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => {});
    }
    await eventually(() => expect(isClosed).toBe(true));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  test.each([
    [65_536, 16],
    [1_048_576, 200],
  ])("of at most %i bytes arrives in %i fragments", async (maxPayload, pieces) => {
    const { socket, heard } = await connected(maxPayload);
    socket.write(frame("a", { opcode: TEXT, isFinal: false }));
    for (let n = 2; n < pieces; n++) socket.write(frame("b", { opcode: CONTINUATION, isFinal: false }));
    socket.write(frame("c", { opcode: CONTINUATION }));
    await eventually(() => expect(heard).toEqual([`a${"b".repeat(pieces - 2)}c`]));
  });
});
