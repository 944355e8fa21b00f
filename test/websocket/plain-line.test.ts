import { Duplex } from "node:stream";
import type { Request } from "express";
import express from "express";
import { Answer } from "../../lib/websocket/admission/answer.ts";
import { within } from "../support/within.ts";

// Node 26 passes the upgrade of a request with a body on a Duplex, not a socket. Once, a refusal ended the process.
test("a refusal is written to a line that is not a socket, and the line is closed", async () => {
  let written = "";
  const line = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  const req = Object.assign(Object.create(express().request), { app: express(), method: "GET" }) as Request;
  const closed = new Promise((resolve) => line.once("close", resolve));
  const { res } = new Answer(Object.assign(req, { httpVersionMajor: 1, httpVersionMinor: 1 }), line);
  res.status(403).end("no");
  await within(closed, 5_000, "close of the line");
  expect(written).toMatch(/^HTTP\/1\.1 403 /);
  expect(written).toMatch(/no$/);
});
