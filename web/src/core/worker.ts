// Everything that takes time runs here, off the page's own thread, one request after the other.
import { NotAnswered, MODELS, type Code } from "./words";
import { answer, guardOf, type Given, type Wish } from "./answer";
import { choose, runtime } from "./runtime";
import { load } from "./nets";

export type Request =
  | { id: number; kind: "answer"; wish: Wish }
  | { id: number; kind: "load"; model: string; backend: string; threads: number };
export type Reply = {
  id: number; given?: Given; runtime?: string; error?: string; code?: Code | "failed"; picture?: ImageBitmap; size?: [number, number];
};

let turn: Promise<unknown> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Request>) => {
  turn = turn.then(() => reply(data));
};

async function reply(request: Request): Promise<void> {
  const { id } = request;
  try {
    if (request.kind === "load") {
      choose(request.backend, request.threads);
      await guardOf(MODELS[request.model].domain);
      if (MODELS[request.model].files) await load(request.model);
      send({ id, runtime: (await runtime()).name });
    } else {
      const given = await answer(request.wish);
      send({ id, given }, [given.picture]);
    }
  } catch (error) {
    if (error instanceof NotAnswered) {
      const { message, code, picture, size } = error;
      send({ id, error: message, code, picture, size }, picture ? [picture] : []);
      return;
    }
    console.error(error);
    send({ id, error: (error as Error).message, code: "failed" });
  }
}

function send(message: Reply, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}
