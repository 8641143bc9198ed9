// The answer for one image, with the fields of the API's JSON answer (overread/prediction.py).
import { DOMAINS, MODELS, NotAnswered, WORDS, type DomainName, type Model } from "./words";
import { Guard, warningOf, type Verdict } from "./guard";
import { decide, patchOf, pointOf, read, sigmoid } from "./reading";
import { evidence, fetched, type Evidence } from "./nets";
import { SeenLungs, type Lungs } from "./lungs";
import { decode } from "./decode";
import { shown } from "./picture";
import type { Pixels } from "./pixels";

export interface Wish { file: Blob; model: string; anyway: boolean }
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

export async function answer({ file, model: name, anyway }: Wish): Promise<Given> {
  const model = MODELS[name];
  const guard = await guardOf(model.domain);
  const lungNet = DOMAINS[model.domain].lungs;
  const watch = stopwatch();
  const image = await decode(file);
  const decodeMs = watch();
  const lungs = lungNet ? new SeenLungs(lungNet, image.pixels) : undefined;
  const judged = async (pixels: Pixels) => {
    const verdict = (await guard?.judge(pixels, image.tags, lungs)) ?? null;
    if (verdict?.outcome === "refused" && !anyway) throw new NotAnswered(verdict.reason, "refused");
    return verdict;
  };
  const whole = await judged(image.pixels); // of a photograph nobody has to say the scale: it is refused first
  const patch = patchOf(image.pixels, model, anyway);
  const verdict = patch.pixels === image.pixels ? whole : await judged(patch.pixels);
  const guardMs = watch();
  const found = await evidence(patch.pixels, model);
  watch();
  const inside = lungs ? await lungs.inEvidence(found) : null;
  const lungsMs = watch();
  const notes = [...(verdict && warningOf(verdict) ? [warningOf(verdict)] : []), ...image.notes, ...patch.notes];
  const times = { decode: decodeMs, guard: guardMs, lungs: lungsMs, preprocess: found.preprocessMs, inference: found.inferenceMs, overlay: 0 };
  return { json: jsonOf(model, found, inside, verdict, notes, times, image.sha256), picture: await shown(patch.pixels) };
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
