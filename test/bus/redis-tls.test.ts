import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { type RedisClient, redisBackend } from "../../lib/redis.ts";
import { insert } from "../../lib/testing/session-store-suite/sessions.ts";
import { certificate } from "../support/certificate.ts";
import { uniquePrefix } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

let folder: string;
let server: RedisServer;
let ca: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "session-stack-tls-"));
  const { key, cert } = certificate();
  ca = cert;
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  writeFileSync(keyFile, key);
  writeFileSync(certFile, cert);
  // The later option wins. The port that it would name accepts only TLS.
  const files = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile];
  server = await startRedisServer({
    args: (port) => ["--port", "0", "--tls-port", `${port}`, "--tls-auth-clients", "no", ...files],
  });
}, 40_000);

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("rediss:// stores sessions and connects nodes, with the certificate of the client's options", async () => {
  const client = createClient({ url: server.url.replace("redis:", "rediss:"), socket: { tls: true, ca } });
  client.on("error", () => {});
  await client.connect();
  const prefix = uniquePrefix("tls");
  const backends = [1, 2].map(() =>
    redisBackend({ client: client as unknown as RedisClient, prefix, leaseMs: 3_000 }),
  );
  try {
    for (const [at, { node }] of backends.entries()) node.answer("name", () => at);
    await Promise.all(backends.map(({ node }) => node.join()));
    expect(await backends[0]?.node.ask("name", {}, 5_000)).toEqual({ answers: [0, 1], silentNodes: [] });
    const [one, other] = backends.map(({ sessions }) => sessions);
    if (one) await insert(one, "s", { theme: "dark" });
    expect((await other?.read("s"))?.data).toMatchObject({ theme: "dark" });
  } finally {
    await Promise.all(backends.map(({ close }) => close()));
    client.destroy();
  }
});
