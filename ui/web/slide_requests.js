// Requests about a slide that the app keeps for this visitor, under a key that nobody else knows.

import { NotAnswered, ask, root } from "./requests.js";

export const address = (key) => `${root()}/page/slide/${key}`;

export async function patchFile(key, x, y) {
  const response = await fetch(`${address(key)}/patch?${new URLSearchParams({ x, y })}`);
  if (!response.ok) throw new NotAnswered((await response.json().catch(() => ({}))).error ?? "That patch cannot be read.");
  return new File([await response.blob()], `patch-${Math.round(x)}-${Math.round(y)}.png`, { type: "image/png" });
}

// Scans, and calls `onProgress` with { done, total, seconds, remaining } or { waiting }; returns the result.
export async function scan(key, query, onProgress, signal) {
  const response = await ask(`slide/${key}/scan`, query, undefined, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new NotAnswered("The connection to the app broke off: please scan once more.");
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const said of lines.map((line) => JSON.parse(line))) {
      if (said.error) throw new NotAnswered(said.error, said.title);
      if (said.result) return said.result;
      onProgress(said);
    }
  }
}

// Deletes the slide on the server, even while the page is being left.
export function forget(key) {
  navigator.sendBeacon(`${address(key)}/forget`);
}
