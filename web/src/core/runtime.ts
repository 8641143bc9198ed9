// onnxruntime-web: on the GPU where the browser has WebGPU, else in WebAssembly, with threads where the page is isolated.
import type * as Ort from "onnxruntime-web";
import gpuGlue from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import gpuWasm from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import glue from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

export interface Runtime { ort: typeof Ort; providers: string[]; name: string }

// Half of the cores at most: threads that wait for each other spin, and where another program has a core they all wait for one.
const MAX_THREADS = 4;
let wanted = { backend: "", threads: 0 };
let started: Promise<Runtime> | undefined;

/** Asks for "wasm" or "webgpu" and a number of threads, before anything runs; "" and 0 leave the choice to the browser. */
export function choose(backend: string, threads: number): void {
  wanted = { backend, threads };
}

export function runtime(): Promise<Runtime> {
  started ??= start();
  return started;
}

async function start(): Promise<Runtime> {
  const threads = self.crossOriginIsolated ? wanted.threads || Math.min(MAX_THREADS, Math.ceil(navigator.hardwareConcurrency / 2)) : 1;
  const binary = wanted.backend !== "wasm" && (await hasGpu()) ? await fetchedBinary(gpuWasm) : undefined;
  if (binary) {
    const ort = (await import("onnxruntime-web/webgpu")) as unknown as typeof Ort;
    set(ort, threads, gpuGlue, gpuWasm);
    ort.env.wasm.wasmBinary = binary;
    return { ort, providers: ["webgpu", "wasm"], name: "WebGPU" };
  }
  const ort = (await import("onnxruntime-web/wasm")) as unknown as typeof Ort;
  set(ort, threads, glue, wasm);
  return { ort, providers: ["wasm"], name: `WebAssembly, ${threads} thread${threads > 1 ? "s" : ""}` };
}

function set(ort: typeof Ort, threads: number, mjs: string, binary: string): void {
  const here = (address: string) => new URL(address, self.location.href).href;
  ort.env.wasm.wasmPaths = { mjs: here(mjs), wasm: here(binary) };
  ort.env.wasm.numThreads = threads;
}

// A fallback adapter is a GPU that the processor plays: WebAssembly is much faster.
async function hasGpu(): Promise<boolean> {
  interface Adapter { info?: { isFallbackAdapter?: boolean } }
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter && !adapter.info?.isFallbackAdapter);
}

// Without a network only what was used before is at hand; the smaller runtime for WebAssembly always is.
async function fetchedBinary(address: string): Promise<ArrayBuffer | undefined> {
  const response = await fetch(address).catch(() => undefined);
  return response?.ok ? response.arrayBuffer() : undefined;
}
