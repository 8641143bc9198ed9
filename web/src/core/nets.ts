// The nets in onnxruntime-web: pixels in, signed evidence out, as overread/net.py, evidence.py and ensemble.py.
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { MODELS, type Model } from "./words";
import { runtime, type Runtime } from "./runtime";
import type { Pixels } from "./pixels";

/** The cells, row by row; they and the model's bias add up to the log-odds. */
export interface Evidence {
  logOdds: number;
  cells: Float64Array;
  rows: number;
  columns: number;
  members: Record<string, number>; // log-odds by name of an ensemble's member
  preprocessMs: number;
  inferenceMs: number;
}
type View = { x: boolean; y: boolean };

const VIEWS: Record<string, View> = {
  "as it is": { x: false, y: false },
  "flipped left to right": { x: true, y: false },
  "flipped top to bottom": { x: false, y: true },
  "turned by 180°": { x: true, y: true },
};

interface Net { preprocess: InferenceSession; session: InferenceSession }
const graphs = new Map<string, Promise<InferenceSession>>();
let opened: Promise<unknown> = Promise.resolve();

/** Returns the graph at that address, which is fetched once; a small one runs on the CPU. */
export function openGraph(address: string, isSmall = true): Promise<InferenceSession> {
  let graph = graphs.get(address);
  if (!graph) {
    const fetching = fetched(address);
    const create = async () => {
      const { ort, providers } = await runtime();
      return ort.InferenceSession.create(await fetching, { executionProviders: isSmall ? ["wasm"] : providers });
    };
    graph = opened.then(create); // one after the other: onnxruntime-web starts with the first
    opened = graph.catch(() => graphs.delete(address)); // a later try may reach it
    graphs.set(address, graph);
  }
  return graph;
}

/** Returns a net with its preprocessing. */
export async function load(name: string): Promise<Net> {
  const { preprocess, net } = MODELS[name].files!;
  const [small, large] = await Promise.all([openGraph(preprocess), openGraph(net, false)]);
  return { preprocess: small, session: large };
}

export async function fetched(address: string): Promise<ArrayBuffer> {
  const response = await fetch(new URL(`../${address}`, self.location.href));
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.arrayBuffer();
}

/** Returns a model's evidence in an image of any size. */
export async function evidence(pixels: Pixels, model: Model): Promise<Evidence> {
  const { ensemble } = model;
  if (!ensemble) return mean(await inViews(pixels, model.name, ["as it is"]));
  const parts = new Map<string, Evidence>();
  for (const name of Object.keys(ensemble.members)) parts.set(name, mean(await inViews(pixels, name, ensemble.views)));
  const sum = weightedSum([...parts.values()], [...parts.keys()].map((name) => ensemble.weights[name]), ensemble.intercept);
  return { ...sum, members: Object.fromEntries([...parts].map(([name, part]) => [name, part.logOdds])) };
}

async function inViews({ data, width, height }: Pixels, name: string, views: string[]): Promise<Evidence[]> {
  const { preprocess, session } = await load(name);
  const { ort } = await runtime();
  const started = performance.now();
  const image = new ort.Tensor("uint8", new Uint8Array(data), [1, height, width, 3]);
  const { pixel_values } = await preprocess.run({ image });
  const preprocessMs = performance.now() - started;
  const found: Evidence[] = [];
  for (const view of views) found.push(await inView(session, flipped(pixel_values, VIEWS[view], ort), VIEWS[view], ort));
  found[0].preprocessMs = preprocessMs;
  return found;
}

async function inView(session: InferenceSession, pixel_values: Tensor, view: View, ort: Runtime["ort"]): Promise<Evidence> {
  const started = performance.now();
  const { logits, heatmap } = await session.run({ pixel_values }, ["logits", "heatmap"]);
  const inferenceMs = performance.now() - started;
  const [rows, columns] = heatmap.dims.slice(1);
  const [without, finding] = logits.data as Float32Array;
  const cells = Float64Array.from(flipped(heatmap, view, ort).data as Float32Array);
  return { logOdds: finding - without, cells, rows, columns, members: {}, preprocessMs: 0, inferenceMs };
}

// Flips the last two axes; applying a view twice restores the original.
function flipped(tensor: Tensor, { x, y }: View, ort: Runtime["ort"]): Tensor {
  if (!x && !y) return tensor;
  const [height, width] = tensor.dims.slice(-2);
  const [from, to] = [tensor.data as Float32Array, new Float32Array(tensor.size)];
  for (let at = 0; at < to.length; at += 1) {
    const [plane, row, column] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
    to[at] = from[(plane * height + (y ? height - 1 - row : row)) * width + (x ? width - 1 - column : column)];
  }
  return new ort.Tensor("float32", to, tensor.dims);
}

const mean = (parts: Evidence[]) => weightedSum(parts, parts.map(() => 1 / parts.length), 0);

function weightedSum(parts: Evidence[], weights: number[], intercept: number): Evidence {
  const rows = Math.max(...parts.map((part) => part.rows)), columns = Math.max(...parts.map((part) => part.columns));
  const total = (value: (part: Evidence, n: number) => number) => parts.reduce((sum, part, n) => sum + value(part, n), 0);
  const cells = new Float64Array(rows * columns);
  parts.forEach((part, n) => regridded(part, rows, columns).forEach((value, at) => { cells[at] += weights[n] * value; }));
  return {
    logOdds: total((part, n) => weights[n] * part.logOdds) + intercept,
    cells, rows, columns, members: {},
    preprocessMs: total((part) => part.preprocessMs),
    inferenceMs: total((part) => part.inferenceMs),
  };
}

// A coarse cell's value is divided among the cells it covers, in proportion to area, so that sums are preserved.
function regridded(part: Evidence, rows: number, columns: number): Float64Array {
  if (part.rows === rows && part.columns === columns) return part.cells;
  const [down, across] = [overlaps(part.rows, rows), overlaps(part.columns, columns)];
  const cells = new Float64Array(rows * columns);
  down.forEach((line, y) => across.forEach((column, x) => {
    line.forEach((high, row) => column.forEach((wide, n) => {
      cells[y * columns + x] += high * wide * part.cells[row * part.columns + n];
    }));
  }));
  return cells;
}

// Of each of `wanted` pieces of a line, the fraction of each of `cells` equal pieces that lies within.
function overlaps(cells: number, wanted: number): number[][] {
  return Array.from({ length: wanted }, (_, n) => Array.from({ length: cells }, (_, cell) =>
    Math.max(0, Math.min((n + 1) / wanted, (cell + 1) / cells) - Math.max(n / wanted, cell / cells)) * cells));
}
