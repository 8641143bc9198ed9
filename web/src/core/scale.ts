// The physical scale of a picture, micrometres per pixel, and where it was read: overread/scale.py.
import { NotAnswered, WORDS, filled } from "./words";

/** Micrometres per pixel across and down. */
export interface Scale { x: number; y: number; source: string }

const SAID = WORDS.scale;

/** Returns the scale, or undefined where it is no microscope's. */
export function plausible(x: number, y: number, source: string): Scale | undefined {
  const [low, high] = SAID.plausible;
  return x >= low && x <= high && y >= low && y <= high ? { x, y, source } : undefined;
}

/** Returns the scale that a person chose. */
export function given(mpp: number): Scale {
  const scale = plausible(mpp, mpp, SAID.sources.given);
  if (!scale) throw new NotAnswered(filled(SAID.implausible, { mpp: Number.isInteger(mpp) ? mpp.toFixed(1) : mpp }));
  return scale;
}

/** Returns the scale that pixels per inch mean, if a microscope's. */
export function fromDpi(dpi: [number, number] | undefined): Scale | undefined {
  return dpi && plausible(SAID.um_per_inch / dpi[0], SAID.um_per_inch / dpi[1], SAID.sources.dpi);
}

/** Returns the scale as a reader of a result wants it. */
export function spoken({ x, y, source }: Scale): string {
  const across = Math.abs(x - y) < 1e-3 * x ? digits(x) : `${digits(x)} x ${digits(y)}`;
  return `${across} µm/px (${source})`;
}

const digits = (value: number) => String(Number(value.toPrecision(4)));
