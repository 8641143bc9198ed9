// The page's side of the worker: asks, and gives back promises.
import { NotAnswered } from "../core/words";
import type { Given, Wish } from "../core/answer";
import type { Reply, Request } from "../core/worker";

type Asked = { kind: "answer"; wish: Wish } | { kind: "load"; model: string; backend: string; threads: number };

const worker = new Worker(new URL("../core/worker.ts", import.meta.url), { type: "module" });
const waiting = new Map<number, (reply: Reply) => void>();
let count = 0;

worker.onmessage = ({ data }: MessageEvent<Reply>) => {
  waiting.get(data.id)?.(data);
  waiting.delete(data.id);
};

async function ask(asked: Asked): Promise<Reply> {
  const request = { id: (count += 1), ...asked } as Request;
  const reply = await new Promise<Reply>((done) => {
    waiting.set(request.id, done);
    worker.postMessage(request);
  });
  if (reply.error !== undefined) {
    if (reply.code === "failed") throw new Error(reply.error);
    throw new NotAnswered(reply.error, reply.code as NotAnswered["code"]);
  }
  return reply;
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
