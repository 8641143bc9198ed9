// A probability in words, as overread/reading.py, and the patch that a model of patches reads, as overread/patches.py.
import { NotAnswered, WORDS, filled, type Answer, type Model, type Point } from "./words";
import { cropped, type Pixels } from "./pixels";

const SLACK_PX = 32; // an image of up to this much more than a patch a side is one: its centre is read

export const sigmoid = (logOdds: number) => 1 / (1 + Math.exp(-logOdds));

export function pointOf(model: Model, name: string): Point {
  return model.points.find((point) => point.name === name)!;
}

export function read(probability: number, model: Model): { answer: Answer; text: string } {
  if (probability < pointOf(model, "screening").threshold) return { answer: "negative", text: `no sign of ${model.finding}` };
  if (probability >= pointOf(model, "rule-in").threshold) return { answer: "positive", text: model.finding };
  return { answer: "cannot tell", text: WORDS.card.cannot_tell };
}

export function decide(probability: number, point: Point, model: Model): string {
  const positive = probability >= point.threshold;
  if (point.name === "screening") return positive ? WORDS.card.not_ruled_out : model.labels[0];
  if (positive) return model.labels[1];
  if (point.name === "rule-in") return WORDS.card.not_ruled_in;
  return probability < pointOf(model, "screening").threshold ? model.labels[0] : WORDS.card.not_ruled_out;
}

/** Returns the pixels that are read: of a model of patches the centre, or all of them where they are to be squashed. */
export function patchOf(pixels: Pixels, model: Model, squash: boolean): { pixels: Pixels; notes: string[] } {
  const { region } = model;
  const { width, height } = pixels;
  const side = region?.patch_px;
  if (!region || !side || (width === side && height === side)) return { pixels, notes: [] };
  const size = { width, height };
  if (squash) return { pixels, notes: [filled(region.sentences.squashed, size)] };
  if ([width, height].some((value) => value < side || value >= side + SLACK_PX)) {
    throw new NotAnswered(filled(region.sentences.unknown_scale, size), "scale");
  }
  const centre = cropped(pixels, Math.floor((width - side) / 2), Math.floor((height - side) / 2), side, side);
  return { pixels: centre, notes: region.sentences.centred.map((note) => filled(note, size)) };
}
