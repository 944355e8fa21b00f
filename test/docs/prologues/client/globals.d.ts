/// <reference lib="dom" />

import type expressModule from "express";
import type { RealtimeClient } from "express-session-stack/client";

declare global {
  const express: typeof expressModule;
  const app: expressModule.Express;
  const client: RealtimeClient;
  function show(from: string, text: string): void;
  function banner(text: string): void;
}
