import type { Duplex } from "node:stream";

/** The internals of a socket by which Node's own timeouts see whether a write goes on. */
type SystemSocket = Duplex & {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
  readonly _parent?: SystemSocket | null;
};

/** Bytes of the write under way that the system has yet to take. They become fewer whenever the peer reads. */
export function unwrittenBytesOf(socket: Duplex): number {
  const { _handle, _parent }: SystemSocket = socket;
  // With TLS the socket beneath counts, because encrypted bytes wait there.
  const handle = _parent ? _parent._handle : _handle;
  return handle?.writeQueueSize ?? socket.writableLength;
}
