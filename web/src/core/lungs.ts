// Where the lungs are in a film, and how much of the evidence lies inside: overread/lungs.py and contours.py.
import { shrink, turned, onItsSide, type Pixels } from "./pixels";
import { WORDS, type LungNet } from "./words";
import { openGraph } from "./nets";
import { runtime } from "./runtime";
import type { Evidence } from "./nets";

export interface Lungs { area: number; evidence_inside: number | null; outline: [number, number][][] }
type Line = [number, number][];

const SIDE = 112, GAP = 2;
const LEAST = WORDS.guard.least_lungs;
const digits = (value: number) => Math.round(value * 1e4) / 1e4;

/** The lungs in one picture: the net runs when somebody first asks, and once. */
export class SeenLungs {
  private probability?: Promise<Float32Array>;

  constructor(private readonly net: LungNet, private readonly picture: Pixels) {}

  /** Returns the code for a film in which no lungs are seen as it is; undefined where they are. */
  async missing(): Promise<string | undefined> {
    this.probability ??= this.run(this.small());
    if (this.areaOf(await this.probability) >= LEAST) return undefined;
    const small = this.small();
    const turns: [string, Pixels][] = [["upside-down", turned(small)], ["sideways", onItsSide(small, true)], ["sideways", onItsSide(small, false)]];
    for (const [code, picture] of turns) if (this.areaOf(await this.run(picture)) >= LEAST) return code;
    return "no-lungs";
  }

  async inEvidence({ cells, rows, columns }: Evidence): Promise<Lungs> {
    const found = await (this.probability ??= this.run(this.small()));
    const share = this.areaOf(found);
    if (share < LEAST) return { area: digits(share), evidence_inside: null, outline: [] };
    let inside = 0, total = 0;
    cells.forEach((value, at) => {
      total += Math.max(value, 0);
      inside += Math.max(value, 0) * this.partOf(found, Math.floor(at / columns), at % columns, rows, columns);
    });
    return {
      area: digits(share),
      evidence_inside: total > 0 ? digits(inside / total) : null,
      outline: outlines(found, this.net.lung, this.net.tolerance, this.net.least_region)
        .map((line) => line.map(([x, y]): [number, number] => [digits(x), digits(y)])),
    };
  }

  private small = () => shrink(this.picture, SIDE, SIDE, GAP);

  private areaOf = (probability: Float32Array) => probability.filter((value) => value >= this.net.lung).length / SIDE ** 2;

  // The part of a cell of the map that is lung: of the net's pixels, those whose centre lies in it.
  private partOf(probability: Float32Array, row: number, column: number, rows: number, columns: number): number {
    let [lung, count] = [0, 0];
    const first = (index: number, of: number) => Math.ceil((index * SIDE) / of - 0.5);
    for (let y = first(row, rows); y < first(row + 1, rows); y += 1) {
      for (let x = first(column, columns); x < first(column + 1, columns); x += 1) {
        count += 1;
        lung += probability[y * SIDE + x] >= this.net.lung ? 1 : 0;
      }
    }
    return lung / count;
  }

  private async run({ data }: Pixels): Promise<Float32Array> {
    const session = await openGraph(this.net.file);
    const { ort } = await runtime();
    const film = Float32Array.from({ length: SIDE * SIDE }, (_, n) =>
      ((19595 * data[3 * n] + 38470 * data[3 * n + 1] + 7471 * data[3 * n + 2] + 0x8000) >> 16) / 255);
    const { lungs } = await session.run({ film: new ort.Tensor("float32", film, [1, 1, SIDE, SIDE]) });
    return lungs.data as Float32Array;
  }
}

// The outer outlines of where the map exceeds a level, the largest first, in 0..1: marching squares, then fewer vertices.
function outlines(values: Float32Array, level: number, tolerance: number, leastArea: number): Line[] {
  const padded = (y: number, x: number) =>
    (y < 1 || x < 1 || y > SIDE || x > SIDE ? level - 1 : values[(y - 1) * SIDE + x - 1]);
  return loops(padded, level)
    .map((loop): [number, Line] => [area(loop), loop])
    .filter(([size]) => size >= leastArea * SIDE ** 2)
    .sort(([one], [other]) => other - one)
    .map(([, loop]) => loop.map(([x, y]): [number, number] => [clipped((x - 0.5) / SIDE), clipped((y - 0.5) / SIDE)]))
    .map((loop) => thinned(loop, tolerance));
}

const clipped = (value: number) => Math.min(1, Math.max(0, value));

function loops(at: (y: number, x: number) => number, level: number): Line[] {
  const size = SIDE + 2;
  const inside = (y: number, x: number) => at(y, x) > level;
  const following = new Map<number, number>(); // edges: from a pixel to the right, then those downwards
  for (let y = 0; y < size - 1; y += 1) {
    for (let x = 0; x < size - 1; x += 1) {
      const corners = [inside(y, x), inside(y, x + 1), inside(y + 1, x + 1), inside(y + 1, x)]; // clockwise
      const first = y * size + x;
      const edges = [first, first + 1 + size * size, first + size, first + size * size];
      for (let side = 0; side < 4; side += 1) {
        if (!corners[side] || corners[(side + 1) % 4]) continue;
        const enters = [1, 2, 3].map((back) => (side - back + 4) % 4).find((one) => !corners[one] && corners[(one + 1) % 4])!;
        following.set(edges[side], edges[enters]);
      }
    }
  }
  const crossing = (edge: number): [number, number] => {
    const down = edge >= size * size;
    const [y, x] = [Math.floor((edge % (size * size)) / size), edge % size];
    const share = (level - at(y, x)) / (down ? at(y + 1, x) - at(y, x) : at(y, x + 1) - at(y, x));
    return down ? [x, y + share] : [x + share, y];
  };
  const found: Line[] = [];
  for (const start of [...following.keys()]) {
    const loop: Line = [];
    for (let edge = start; following.has(edge);) {
      loop.push(crossing(edge));
      const next = following.get(edge)!;
      following.delete(edge);
      edge = next;
    }
    if (loop.length) found.push(loop);
  }
  return found;
}

// Negative for a hole (the shoelace formula).
function area(loop: Line): number {
  return loop.reduce((sum, [x, y], n) => {
    const [nextX, nextY] = loop[(n + 1) % loop.length];
    return sum + (x * nextY - y * nextX) / 2;
  }, 0);
}

// Without the vertices that lie within the tolerance of a straight line between those kept (Douglas & Peucker 1973).
function thinned(loop: Line, tolerance: number): Line {
  const away = loop.map(([x, y]) => Math.hypot(x - loop[0][0], y - loop[0][1]));
  const far = away.indexOf(Math.max(...away));
  return [loop.slice(0, far + 1), [...loop.slice(far), loop[0]]].flatMap((half) => thinnedLine(half, tolerance).slice(0, -1));
}

function thinnedLine(line: Line, tolerance: number): Line {
  if (line.length < 3) return line;
  const [first, last] = [line[0], line[line.length - 1]];
  const along = [last[0] - first[0], last[1] - first[1]];
  const away = line.slice(1, -1).map(([x, y]) =>
    Math.abs(along[0] * (y - first[1]) - along[1] * (x - first[0])) / Math.max(Math.hypot(along[0], along[1]), 1e-12));
  const split = away.indexOf(Math.max(...away)) + 1;
  if (away[split - 1] <= tolerance) return [first, last];
  return [...thinnedLine(line.slice(0, split + 1), tolerance).slice(0, -1), ...thinnedLine(line.slice(split), tolerance)];
}
