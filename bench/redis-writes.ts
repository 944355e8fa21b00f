import { createHash } from "node:crypto";
import { Socket } from "node:net";
import { SAW_SCRIPT } from "../lib/connections/registry-scripts.ts";

/** Writes to Redis of this process: what left for the kernel at once, whatever number of commands. */
export interface RedisWrites {
  /** Writes with a call of the script that moves last-seen times. */
  lastSeen: number;
  /**
   * Trips of those: node-redis sends no more than 16 KiB in one write and goes on once the kernel has taken it,
   * without waiting for an answer. So writes that follow each other closely are one trip.
   */
  lastSeenTrips: number;
}

/** Far less than a tick. */
const apartMs = 100;

const saw = createHash("sha1").update(SAW_SCRIPT).digest("hex");

type Chunks = { chunk: Buffer | string }[];
/** What node's net.Socket has in place of Writable's `_write` and `_writev`. */
interface Written {
  _write(chunk: Buffer | string, ...rest: unknown[]): void;
  _writev(chunks: Chunks, ...rest: unknown[]): void;
}

let counted: RedisWrites | undefined;

/** Begins to count; before it, nothing is slowed. */
export function countRedisWrites(port: number): true {
  const writes: RedisWrites = { lastSeen: 0, lastSeenTrips: 0 };
  let last = Number.NEGATIVE_INFINITY;
  counted = writes;
  const count = (socket: Socket, chunks: (Buffer | string)[]) => {
    if (socket.remotePort !== port || !chunks.join("").includes(saw)) return;
    writes.lastSeen++;
    if (performance.now() - last > apartMs) writes.lastSeenTrips++;
    last = performance.now();
  };
  const sockets = Socket.prototype as unknown as Written;
  const { _write, _writev } = sockets;
  sockets._write = function (this: Socket, chunk, ...rest) {
    count(this, [chunk]);
    _write.call(this as never, chunk, ...rest);
  };
  sockets._writev = function (this: Socket, chunks, ...rest) {
    count(
      this,
      chunks.map(({ chunk }) => chunk),
    );
    _writev.call(this as never, chunks, ...rest);
  };
  return true;
}

export function redisWrites(): RedisWrites {
  if (!counted) throw new Error("not counted");
  return { ...counted };
}
