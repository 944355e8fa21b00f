/// <reference lib="dom" />

declare global {
  function show(from: string, text: string): void;
  function banner(text: string): void;
}

export {};
