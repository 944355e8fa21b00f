import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { rawSocket } from "../support/raw-socket.ts";

/** A line to the node that sends any bytes, and keeps the received ones. */
export class Line {
  readonly socket: Socket;
  isClosed = false;
  #received: Buffer[] = [];
  #onChange: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#changed();
    });
    socket.on("drain", () => this.#changed());
    // The peer has sent all of its data.
    socket.on("end", () => this.#ended());
    socket.on("close", () => this.#ended());
  }

  static async to(port: number): Promise<Line> {
    return new Line(await rawSocket(port, 20_000));
  }

  get received(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  /** Sends bytes in this number of writes, each in a separate turn. */
  async send(bytes: Buffer, pieces = 1): Promise<void> {
    const size = Math.max(1, Math.ceil(bytes.length / pieces));
    for (let at = 0; at < bytes.length; at += size) {
      if (this.socket.destroyed) return;
      this.socket.write(bytes.subarray(at, at + size));
      if (at + size < bytes.length) await delay(1);
    }
  }

  /** Writes bytes, and waits until the line accepts more or has ended. */
  async write(bytes: Buffer): Promise<void> {
    const isTaken = this.socket.write(bytes);
    await new Promise<void>((resolve) => {
      if (isTaken || this.isClosed) setImmediate(resolve);
      else this.#onChange.push(resolve);
    });
  }

  /** Waits until the received bytes or the end of the line pass a check. */
  async until<T>(check: () => T | undefined, withinMs: number, what: string): Promise<T> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = check();
      if (found !== undefined) return found;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(
          `No ${what} after ${withinMs} ms, received ${JSON.stringify(this.received.toString("latin1").slice(0, 500))}`,
        );
      await this.#change(leftMs);
    }
  }

  /** Waits until the node has ended the line. */
  async untilClosed(withinMs: number): Promise<void> {
    await this.until(() => this.isClosed || undefined, withinMs, "end of the line");
  }

  end(): void {
    this.socket.destroy();
  }

  #ended(): void {
    this.isClosed = true;
    this.#changed();
  }

  #changed(): void {
    for (const tell of this.#onChange.splice(0)) tell();
  }

  async #change(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onChange.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
