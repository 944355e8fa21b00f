import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import {
  cookieMiddleware,
  sessionMiddleware,
  sessionMiddlewareStack,
  webSocketSessions,
} from "../../lib/index.ts";
import { waysToFail } from "./ways-to-fail.ts";

const told = { errors: [] as string[], unhandled: [] as string[] };
// Errors that would end the process are recorded instead, so a test sees all of them.
process.on("unhandledRejection", (error) => told.unhandled.push(String(error)));
process.on("uncaughtException", (error) => told.unhandled.push(String(error)));

const stack = sessionMiddlewareStack(
  cookieMiddleware(),
  sessionMiddleware({ secret: "a secret of these tests, at least 32 bytes long" }),
);
const app = express();
app.use(stack());
app.get("/told", (_req, res) => void res.json(told));
const wsSessions = webSocketSessions(stack, { path: "/ws", app })
  .on("error", ({ message }) => told.errors.push(message))
  .on("connection", (ws, req) => waysToFail[Number(req.query.at)]?.add(ws));
const server = createServer(app).on("upgrade", wsSessions.handleUpgrade);
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}`, id: "one" })}\n`);
});
