// Samples that a decoder returns become 8-bit RGB, as overread/images.py makes them of what Pillow returns.
import { NotAnswered, WORDS, filled } from "./words";
import type { Pixels } from "./pixels";

/** Pixel by pixel: 1 is grey, 2 grey and opacity, 3 red, green and blue, 4 these and opacity; of 8 or of 16 bits. */
export interface Samples { values: ArrayLike<number>; width: number; height: number; channels: number; isDeep: boolean }
export interface Read { pixels: Pixels; notes: string[] }

const SAID = WORDS.sentences;
const DEPTHS = [8, 10, 12, 14, 16]; // radiographs of 10, 12 or 14 bits are often saved in 16 without stretching

/** Refuses a size before a pixel is decoded. */
export function checkSize(width: number, height: number): void {
  if (width * height > WORDS.limits.pixels) throw new NotAnswered(SAID.too_many_pixels);
  if (Math.min(width, height) < WORDS.limits.side) throw new NotAnswered(filled(SAID.too_small, { width, height }));
}

/** Returns RGB: grey of 16 bits is scaled from its own depth, of colours of 16 bits the high byte is kept. */
export function rgbOfSamples({ values, width, height, channels, isDeep }: Samples): Read {
  if (isDeep && channels === 1) return ofDeepGrey(values, width, height);
  const shift = isDeep ? 8 : 0;
  const colours = channels < 3 ? 1 : 3;
  const data = new Uint8Array(width * height * 3);
  let transparent = false;
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const from = pixel * channels;
    const opacity = channels % 2 === 0 ? values[from + channels - 1] >> shift : 255;
    transparent ||= opacity < 255;
    for (let channel = 0; channel < 3; channel += 1) {
      const value = values[from + (colours === 1 ? 0 : channel)] >> shift;
      data[pixel * 3 + channel] = opacity === 255 ? value : Math.round((value * opacity + 255 * (255 - opacity)) / 255);
    }
  }
  return { pixels: { width, height, data }, notes: transparent ? [SAID.transparent] : [] };
}

function ofDeepGrey(values: ArrayLike<number>, width: number, height: number): Read {
  let low = Infinity, high = -Infinity;
  for (let at = 0; at < values.length; at += 1) {
    low = Math.min(low, values[at]);
    high = Math.max(high, values[at]);
  }
  if (low < 0 || high > 0xffff) throw new NotAnswered(SAID.grey_out_of_range);
  const bits = DEPTHS.find((depth) => high < 2 ** depth)!;
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at += 1) data.fill(Math.round((values[at] * 255) / (2 ** bits - 1)), 3 * at, 3 * at + 3);
  return { pixels: { width, height, data }, notes: [filled(SAID.deep_grey, { bits })] };
}
