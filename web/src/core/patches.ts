// The patch that a model of patches reads out of a picture, by its scale or by its size: overread/patches.py.
import { NotAnswered, WORDS, filled, type Region } from "./words";
import { cropped, resize, type Pixels } from "./pixels";
import { given, spoken, type Scale } from "./scale";

/** How a person wants a picture to be read: at that many µm/px, or squashed whole to one patch. */
export interface Reading { mpp?: number; squash?: boolean }
export interface Patch { pixels: Pixels; notes: string[] }

const { slack_px: SLACK, same_scale: SAME_SCALE } = WORDS.scale;

/** Returns the pixels that are read, and notes on how they were found. */
export function patchOf(pixels: Pixels, region: Region, { mpp, squash }: Reading, ofFile?: Scale): Patch {
  const { width, height } = pixels;
  const { patch_px: side, spacing_um_per_px: spacing, sentences: said } = region;
  if (squash) {
    const isPatch = width === side && height === side;
    return { pixels, notes: isPatch ? [] : [filled(said.squashed, { width, height })] };
  }
  const scale = mpp === undefined ? ofFile : given(mpp);
  if (!scale) return assumed(pixels, region);
  const at = spoken(scale);
  const ratios = [spacing / scale.x, spacing / scale.y];
  const [across, down] = ratios.every((ratio) => Math.abs(ratio - 1) <= SAME_SCALE) ? [1, 1] : ratios;
  const size = [inFull(width / across), inFull(height / down)];
  if (Math.min(...size) < side) throw new NotAnswered(filled(said.too_small, { scale: at }), "not one patch");
  if (!size.every((value) => value < side + SLACK)) {
    const covered = { width: (width * scale.x).toFixed(0), height: (height * scale.y).toFixed(0) };
    throw new NotAnswered(filled(said.larger, { scale: at, ...covered }), "not one patch");
  }
  const isSame = across === 1 && down === 1;
  const [right, lower] = [Math.min(width, size[0] * across), Math.min(height, size[1] * down)];
  const read = isSame ? pixels : resize(pixels, size[0], size[1], right, lower);
  return centred(read, region, [filled(isSame ? said.at_scale : said.resampled, { scale: at })]);
}

// What a picture covers in part at its right and lower border is left out, as in a scan.
const inFull = (length: number) => Math.max(1, Math.trunc(length + 0.01));

function assumed(pixels: Pixels, region: Region): Patch {
  const { patch_px: side, sentences: said } = region;
  const { width, height } = pixels;
  if ([width, height].some((value) => value < side || value >= side + SLACK)) {
    throw new NotAnswered(filled(said.unknown_scale, { width, height }), "scale");
  }
  return centred(pixels, region, width === side && height === side ? [] : [filled(said.assumed, { width, height })]);
}

function centred(pixels: Pixels, region: Region, notes: string[]): Patch {
  const { patch_px: side, sentences: said } = region;
  const { width, height } = pixels;
  if (width === side && height === side) return { pixels, notes };
  const centre = cropped(pixels, Math.floor((width - side) / 2), Math.floor((height - side) / 2), side, side);
  return { pixels: centre, notes: [...notes, filled(said.centred, { width, height })] };
}
