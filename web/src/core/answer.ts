// The answer for one image, with the fields of the API's JSON answer (overread/prediction.py).
import { DOMAINS, MODELS, NotAnswered, WORDS, type DomainName, type Model, type Region } from "./words";
import { Guard, warningOf, type Verdict } from "./guard";
import { decide, pointOf, read, sigmoid } from "./reading";
import { patchOf, type Patch, type Reading } from "./patches";
import { evidence, fetched, type Evidence } from "./nets";
import { SeenLungs, type Lungs } from "./lungs";
import { decode, type Decoded } from "./decode";
import { shown } from "./picture";
import type { Pixels } from "./pixels";

export interface Wish { file: Blob; model: string; anyway: boolean; reading: Reading }
export type Json = ReturnType<typeof jsonOf>;
export interface Given { json: Json; picture: ImageBitmap }

const guards = new Map<DomainName, Promise<Guard | null>>();

export function guardOf(domain: DomainName): Promise<Guard | null> {
  const { guard } = DOMAINS[domain];
  let loaded = guards.get(domain);
  if (!loaded) {
    loaded = guard ? fetched(guard.file).then((bytes) => new Guard(guard, new Float32Array(bytes))) : Promise.resolve(null);
    loaded.catch(() => guards.delete(domain));
    guards.set(domain, loaded);
  }
  return loaded;
}

/** Returns the answer; what is refused carries the picture, so that it can be shown. */
export async function answer({ file, model: name, anyway, reading }: Wish): Promise<Given> {
  const watch = stopwatch();
  const image = await decode(file);
  try {
    return await answered(image, MODELS[name], anyway, reading, watch);
  } catch (error) {
    if (error instanceof NotAnswered) {
      error.picture = await shown(image.pixels);
      error.size = [image.pixels.width, image.pixels.height];
    }
    throw error;
  }
}

async function answered(image: Decoded, model: Model, anyway: boolean, reading: Reading, watch: () => number): Promise<Given> {
  const decodeMs = watch();
  const guard = await guardOf(model.domain);
  const judged = async (pixels: Pixels, lungs?: SeenLungs) => {
    const verdict = (await guard?.judge(pixels, image.tags, lungs)) ?? null;
    if (verdict?.outcome === "refused" && !anyway) throw new NotAnswered(verdict.reason, "refused");
    return verdict;
  };
  const patch = model.region ? await patchIn(image, model.region, reading, judged) : image;
  const lungNet = DOMAINS[model.domain].lungs;
  const lungs = lungNet ? new SeenLungs(lungNet, patch.pixels) : undefined;
  const verdict = await judged(patch.pixels, lungs);
  const guardMs = watch();
  const found = await evidence(patch.pixels, model);
  watch();
  const inside = lungs ? await lungs.inEvidence(found) : null;
  const lungsMs = watch();
  const notes = [...(verdict && warningOf(verdict) ? [warningOf(verdict)] : []), ...patch.notes, ...(guard ? [] : [WORDS.guard.unguarded])];
  const times = { decode: decodeMs, guard: guardMs, lungs: lungsMs, preprocess: found.preprocessMs, inference: found.inferenceMs, overlay: 0 };
  return { json: jsonOf(model, found, inside, verdict, notes, times, image.sha256), picture: await shown(patch.pixels) };
}

async function patchIn(image: Decoded, region: Region, reading: Reading, judged: (pixels: Pixels) => Promise<Verdict | null>): Promise<Patch> {
  const read = (how: Reading) => {
    const patch = patchOf(image.pixels, region, how, image.scale);
    return { ...patch, notes: [...image.notes, ...patch.notes] };
  };
  try {
    return read(reading);
  } catch (error) {
    if (!(error instanceof NotAnswered && error.code === "scale")) throw error;
    const verdict = await judged(image.pixels); // of a photograph nobody has to say the scale
    if (verdict?.outcome !== "refused") throw error;
    return read({ squash: true }); // it is no patch, and is wanted answered anyway
  }
}

function jsonOf(
  model: Model, found: Evidence, lungs: Lungs | null, guard: Verdict | null, notes: string[], times: Record<string, number>,
  sha256: string,
) {
  const probability = sigmoid(found.logOdds);
  const point = pointOf(model, model.default_point);
  const members = Object.fromEntries(Object.entries(found.members).map(([name, value]) => [name, sigmoid(value)]));
  const sides = new Set(Object.values(members).map((value) => value >= point.threshold));
  const values = Array.from({ length: found.rows }, (_, row) =>
    [...found.cells.subarray(row * found.columns, (row + 1) * found.columns)].map((value) => rounded(value, 6)));
  return {
    finding: model.finding,
    probability,
    probabilities: { [model.labels[0]]: 1 - probability, [model.labels[1]]: probability },
    members,
    log_odds: found.logOdds,
    reading: { ...read(probability, model), members_disagree: sides.size > 1 },
    positive: probability >= point.threshold,
    decision: decide(probability, point, model),
    operating_point: point,
    heatmap: { shape: [found.rows, found.columns], unit: "log-odds", bias: model.heatmap.bias, values },
    lungs,
    guard: guard && { ...guard, distance: guard.distance === null ? null : rounded(guard.distance, 3) },
    notes,
    model: { name: model.name, revision: model.revision, sha256: model.sha256, source: "bundled" },
    milliseconds: Object.fromEntries(Object.entries(times).map(([step, value]) => [step, rounded(value, 2)])),
    disclaimer: WORDS.disclaimer,
    schema_version: WORDS.schema_version,
    image_sha256: sha256,
    image_sha256_of: "file",
  };
}

const rounded = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;

function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const before = last;
    last = performance.now();
    return last - before;
  };
}
