// Whether an image is of the kind that a model learned from: the rules of overread/guard.py, by the same names.
import { GAP, SIDE, pixelStatistics, upsideDown, type Statistics } from "./statistics";
import { inverted, onItsSide, shrink, turned, type Pixels } from "./pixels";
import { WORDS, filled, type GuardFile } from "./words";
import type { SeenLungs } from "./lungs";

export interface Tags { modality?: string; bodyPart?: string; age?: number; view?: string }
export interface Verdict { outcome: "accepted" | "unfamiliar" | "refused"; code: string; reason: string; distance: number | null }

type Kind = GuardFile["kinds"][number] & { mean: Float32Array; precision: Float32Array };
const SAID = WORDS.guard;

/** What an answer to the image must say beside itself; "" where accepted. */
export const warningOf = (verdict: Verdict) =>
  verdict.outcome === "refused" ? `${verdict.reason} ${SAID.answered_anyway}` : verdict.reason;

export class Guard {
  private readonly kinds: Kind[];

  /** Joins a guard's description with its arrays, float32: of each kind, mean before precision. */
  constructor(private readonly file: GuardFile, arrays: Float32Array) {
    let at = 0;
    const next = (count: number) => arrays.subarray(at, (at += count));
    this.kinds = file.kinds.map((kind) => ({ ...kind, mean: next(kind.size), precision: next(kind.size ** 2) }));
  }

  async judge(image: Pixels, tags: Tags, lungs?: SeenLungs): Promise<Verdict> {
    const byTags = this.judgeTags(tags);
    if (byTags.outcome === "refused") return byTags;
    const byPixels = this.judgePixels(image, pixelStatistics(image));
    const missing = byPixels.outcome === "refused" ? undefined : await lungs?.missing();
    if (missing) return this.verdict("refused", missing, byPixels.distance);
    if (byTags.outcome === "accepted" || byPixels.outcome === "refused") return byPixels;
    return { ...byTags, reason: `${byTags.reason} ${byPixels.reason}`.trim(), distance: byPixels.distance };
  }

  private judgeTags({ modality, bodyPart, age, view }: Tags): Verdict {
    const { subject } = this.file;
    const names: Record<string, string> = SAID.modalities;
    if (modality && !subject.modalities.includes(modality)) {
      return this.verdict("refused", "modality", null, { seen: names[modality] ?? SAID.another_modality });
    }
    const other = bodyPart && !bodyPart.includes("CHEST")
      && Object.entries(SAID.other_body_parts).find(([start]) => bodyPart.startsWith(start))?.[1];
    if (subject.body_part && other) return this.verdict("refused", "body-part", null, { seen: other });
    if (subject.body_part && view && !SAID.frontal_views.includes(view)) return this.verdict("unfamiliar", "view", null, { view });
    if (subject.ages && age !== undefined && (age < subject.ages[0] || age > subject.ages[1])) {
      return { ...this.verdict("unfamiliar", view ? "age-and-view" : "age", null, { age, view: view ?? "" }), code: "age" };
    }
    return { outcome: "accepted", code: "", reason: "", distance: null };
  }

  private judgePixels(image: Pixels, seen: Statistics): Verdict {
    const { subject } = this.file;
    const own = this.kinds.filter((kind) => kind.role !== "other");
    const distance = Math.min(...this.kinds.filter((kind) => kind.role === "learned")
      .map((kind) => squaredDistance(kind, seen) / kind.familiar));
    const excess = this.excess(seen);
    if (seen.contrast < subject.least_contrast) return this.verdict("refused", "blank", distance);
    if (excess > 1 || (subject.grey && seen.colourfulness > SAID.colourful)) {
      const [code, name] = this.name(image, seen);
      return this.verdict("refused", code, distance, { seen: name });
    }
    if (subject.has_top && excess > SAID.upside_down * this.excess(upsideDown(seen))) {
      return this.verdict("refused", "upside-down", distance);
    }
    if (subject.grey && seen.colourfulness > SAID.tinted) return this.verdict("unfamiliar", "tinted", distance);
    if (distance > 1) {
      const nearest = own.reduce((best, kind) => (excessOf(kind, seen) < excessOf(best, seen) ? kind : best));
      const verdict = this.verdict("unfamiliar", "unlike-learned", distance);
      return { ...verdict, reason: nearest.warning || verdict.reason };
    }
    return { outcome: "accepted", code: "", reason: "", distance };
  }

  private excess(seen: Statistics): number {
    return Math.min(...this.kinds.filter((kind) => kind.role !== "other").map((kind) => excessOf(kind, seen)));
  }

  private name(image: Pixels, seen: Statistics): [string, string] {
    const { subject } = this.file;
    const tinted = subject.grey && seen.colourfulness > SAID.tinted;
    const mended = this.mended(image).map(([other, code]): [number, string] => [this.excess(pixelStatistics(other)), code]);
    const [least, code] = mended.reduce((best, one) => (one[0] < best[0] ? one : best));
    if (!tinted && least <= 1) return [code, ""];
    const known = this.kinds.find((kind) => kind.role === "other" && excessOf(kind, seen) <= 1);
    if (known) return ["other-kind", known.name];
    if (tinted) return ["colour", ""];
    return [!subject.grey && seen.colourfulness < SAID.grey ? "grey" : "other", ""];
  }

  // What the image may have been before somebody inverted or turned it, and the code of that.
  private mended(image: Pixels): [Pixels, string][] {
    const small = shrink(image, SIDE, SIDE, GAP);
    const turns: [Pixels, string][] = [
      [turned(small), "upside-down"], [onItsSide(small, true), "sideways"], [onItsSide(small, false), "sideways"],
    ];
    return [[inverted(small), "inverted-greys"], ...(this.file.subject.has_top ? turns : [])];
  }

  private verdict(
    outcome: Verdict["outcome"], code: string, distance: number | null, words: Record<string, string | number> = {},
  ): Verdict {
    const { name, body_part, ages } = this.file.subject;
    const own = { subject: name, body_part: body_part ?? "", youngest: ages?.[0] ?? "", oldest: ages?.[1] ?? "" };
    const reasons: Record<string, string> = SAID.reasons;
    return { outcome, code, reason: filled(reasons[code], { ...own, ...words }), distance };
  }
}

function squaredDistance(kind: Kind, seen: Statistics): number {
  const offset = kind.parts.flatMap((part) => seen[part]).map((value, n) => value - kind.mean[n]);
  return offset.reduce((total, value, row) => {
    const start = row * kind.size;
    return total + value * offset.reduce((sum, other, column) => sum + kind.precision[start + column] * other, 0);
  }, 0);
}

const excessOf = (kind: Kind, seen: Statistics) => squaredDistance(kind, seen) / kind.limit;
