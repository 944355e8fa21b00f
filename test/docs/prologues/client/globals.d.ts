/// <reference lib="dom" />

import type expressModule from "express";

declare global {
  const express: typeof expressModule;
  const app: expressModule.Express;
  function show(from: string, text: string): void;
  function banner(text: string): void;
}
