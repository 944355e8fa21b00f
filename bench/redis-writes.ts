import { Socket } from "node:net";

/** Writes to Redis of this process: what left for the kernel at once, whatever number of commands. */
export interface RedisWrites {
  all: number;
  /** Those with a ZADD: last-seen times. */
  lastSeen: number;
  bytes: number;
}

type Chunks = { chunk: Buffer | string }[];
/** What node's net.Socket has in place of Writable's `_write` and `_writev`. */
interface Written {
  _write(chunk: Buffer | string, ...rest: unknown[]): void;
  _writev(chunks: Chunks, ...rest: unknown[]): void;
}

let counted: RedisWrites | undefined;

/** Begins to count; before it, nothing is slowed. */
export function countRedisWrites(port: number): true {
  const writes: RedisWrites = { all: 0, lastSeen: 0, bytes: 0 };
  counted = writes;
  const count = (socket: Socket, chunks: (Buffer | string)[]) => {
    if (socket.remotePort !== port) return;
    const text = chunks.join("");
    writes.all++;
    writes.bytes += text.length;
    if (text.includes("ZADD")) writes.lastSeen++;
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
