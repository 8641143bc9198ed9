// Words, thresholds and figures of the app; web/generate.py writes them.
import words from "../generated/words.json";

export type Answer = "negative" | "cannot tell" | "positive";
export type DomainName = keyof typeof words.domains;

export interface Point { name: string; threshold: number; sensitivity: number; specificity: number; rule: string }
export interface Interval { value: number; low: number; high: number }
export interface Region {
  spacing_um_per_px: number;
  patch_px: number;
  labelled_centre_px: number;
  sentences: Record<"unknown_scale" | "squashed" | "too_small" | "larger" | "resampled" | "at_scale" | "assumed" | "centred", string>;
}
export interface Model {
  name: string;
  domain: DomainName;
  title: string;
  summary: string;
  revision: string;
  sha256: string;
  finding: string;
  labels: [string, string];
  points: Point[];
  default_point: string;
  heatmap: { layer: string; bias: number; scale: number };
  region: Region | null;
  ensemble: { members: Record<string, string>; weights: Record<string, number>; intercept: number; views: string[] } | null;
  files: { net: string; preprocess: string; bytes: number } | null;
  frequency: Record<Answer, string>;
  report: { frequency: Record<Answer, string>; legend: string };
  test: { images: number; auc: Interval; points: Record<string, Record<"sensitivity" | "specificity", Interval>> } | null;
}
export interface GuardFile {
  subject: {
    name: string; grey: boolean; has_top: boolean; least_contrast: number; modalities: string[];
    body_part: string | null; ages: [number, number] | null;
  };
  kinds: {
    role: "learned" | "wider" | "other"; name: string; parts: ("grey" | "colour" | "layout")[]; size: number;
    familiar: number; limit: number; warning: string;
  }[];
  file: string;
}
export interface LungNet { file: string; lung: number; tolerance: number; least_region: number }
export interface Example { label: string; source: string; sha256: string; name: string; file: string; thumbnail: string }
export interface Domain {
  tab: string; question: string; image_word: string; images: string; finding: string; models: string[];
  examples: Example[]; plain: Record<Answer, string>; guard: GuardFile | null; lungs: LungNet | null;
}

export const WORDS = words;
export const MODELS = words.models as unknown as Record<string, Model>;
export const DOMAINS = words.domains as unknown as Record<DomainName, Domain>;

/** Returns a sentence with values in the places that its braces name, formatted as Python would. */
export function filled(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)(:\+\.2f)?\}/g, (_, name: string, format?: string) => {
    const value = values[name];
    return format ? signed(Number(value)) : String(value);
  });
}

/** Returns a number with its sign and two decimals. */
export const signed = (value: number) => `${value < 0 ? "" : "+"}${value.toFixed(2)}`;

/** Why there is no answer: the file itself, no scale, a scale at which it is not one patch, or the guard. */
export type Code = "file" | "scale" | "not one patch" | "refused";

/** An image that gets no answer; the message is for the person who chose it, the picture is what could be read of it. */
export class NotAnswered extends Error {
  constructor(message: string, readonly code: Code = "file", public picture?: ImageBitmap, public size?: [number, number]) {
    super(message);
  }
}
