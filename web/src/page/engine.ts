// The page's side of the worker: asks, and gives back promises.
import { NotAnswered } from "../core/words";
import type { Given, Wish } from "../core/answer";
import type { Reply, Request } from "../core/worker";

type Asked = { kind: "answer"; wish: Wish } | { kind: "load"; model: string; backend: string; threads: number };

const waiting = new Map<number, (reply: Reply) => void>();
let count = 0;
let worker: Worker | undefined;

// A worker that cannot start, or dies, answers nothing by itself: whoever waits is told, and the next question gets a new one.
function running(): Worker {
  if (worker) return worker;
  const started = (worker = new Worker(new URL("../core/worker.ts", import.meta.url), { type: "module" }));
  started.onmessage = ({ data }: MessageEvent<Reply>) => {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  };
  started.onerror = ({ message }) => {
    started.terminate();
    worker = undefined;
    for (const [id, done] of waiting) done({ id, error: message || "the models' worker cannot be loaded", code: "failed" });
    waiting.clear();
  };
  return started;
}

async function ask(asked: Asked): Promise<Reply> {
  const request = { id: (count += 1), ...asked } as Request;
  const { error, code, picture, size, ...reply } = await new Promise<Reply>((done) => {
    waiting.set(request.id, done);
    running().postMessage(request);
  });
  if (error === undefined) return reply;
  if (code === undefined || code === "failed") throw new Error(error);
  throw new NotAnswered(error, code, picture, size);
}

/** Fetches a model and returns what it runs on. `?backend=wasm&threads=1` in the page's address chooses, for measurements. */
export async function prepare(model: string): Promise<string> {
  const query = new URLSearchParams(location.search);
  const choice = { backend: query.get("backend") ?? "", threads: Number(query.get("threads")) };
  return (await ask({ kind: "load", model, ...choice })).runtime!;
}

export async function answer(wish: Wish): Promise<Given> {
  return (await ask({ kind: "answer", wish })).given!;
}
