// A probability in words, as overread/reading.py.
import { WORDS, type Answer, type Model, type Point } from "./words";

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
