import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { afterThisTest } from "./support.ts";

// A shared key instead of a certificate, which would have to be made and would expire.
const psk = Buffer.from("a key for tests only");
const ciphers = "PSK";

/** Serves an app over TLS until the end of the test. Returns a function that requests its `Set-Cookie` lines. */
export async function serveOverTls(app: RequestListener): Promise<(path: string) => Promise<string[]>> {
  const server = createServer({ ciphers, pskCallback: () => psk } as object, app);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterThisTest(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return async function setCookies(path) {
    const request = httpsRequest({
      port,
      host: "127.0.0.1",
      path,
      ciphers,
      pskCallback: () => ({ psk, identity: "test" }),
      checkServerIdentity: () => undefined,
    } as object);
    request.end();
    const [response] = await once(request, "response");
    response.resume();
    return response.headers["set-cookie"] ?? [];
  };
}
