import { once } from "node:events";
import { createServer, type RequestListener, Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface ListeningServer {
  server: Server;
  /** Without a slash at the end. */
  url: string;
  port: number;
  /** Stops listening and breaks off every connection, upgraded ones too. */
  close(): Promise<void>;
}

/** Serves an Express app, a handler or a server on a free port of 127.0.0.1. */
export async function listen(appOrHandler: RequestListener | Server): Promise<ListeningServer> {
  const server = appOrHandler instanceof Server ? appOrHandler : createServer(appOrHandler);
  // A browser under load sends a request at the moment at which the server gives up on an idle line.
  server.keepAliveTimeout = 0;
  // The server forgets a connection once it is upgraded; this set does not.
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  async function close(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return { server, url: `http://127.0.0.1:${port}`, port, close };
}
