// TIFF, which browsers do not decode; loaded when one is opened. Strips in JPEG are left to the browser, as Pillow's to libjpeg.
import { BaseDecoder, addDecoder, fromArrayBuffer, type GeoTIFFImage } from "geotiff";
import { NotAnswered, WORDS, filled } from "./words";
import { upright } from "./pixels";
import { checkSize, rgbOfSamples, type Read } from "./samples";
import { bitmapOf, rgbOf, rgbaOf } from "./picture";
import type { Dpi } from "./resolution";

const SAID = WORDS.sentences;
const JPEG = 7;
const COMPRESSIONS = [1, 5, JPEG, 8, 32946, 32773]; // none, LZW, JPEG, Deflate by both its numbers, PackBits
const WHITE_IS_ZERO = 0, BLACK_IS_ZERO = 1, RGB = 2, PALETTE = 3, CMYK = 5, YCBCR = 6; // PhotometricInterpretation
const FLOATING = 3; // SampleFormat
const UNSPECIFIED = 0, PREMULTIPLIED = 1; // ExtraSamples; others are opacity
const ADOBE = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0]; // a marker whose last byte names the colours

/** Returns the first picture in a TIFF file, and its resolution. */
export async function readTiff(bytes: Uint8Array): Promise<Read & { dpi?: Dpi }> {
  const { image, frames } = await opened(bytes);
  const directory = image.fileDirectory;
  const [width, height] = [image.getWidth(), image.getHeight()];
  checkSize(width, height);
  if (image.getSampleFormat() === FLOATING) throw new NotAnswered(SAID.floating);
  const photometric: number = (await directory.loadValue("PhotometricInterpretation")) ?? BLACK_IS_ZERO;
  const read = await decoded(image, photometric).catch((error) => {
    if (error instanceof NotAnswered) throw error;
    console.error(error);
    throw new NotAnswered(SAID.damaged);
  });
  const pixels = upright(read.pixels, (await directory.loadValue("Orientation")) ?? 1);
  const notes = frames > 1 ? [filled(SAID.frames, { frames }), ...read.notes] : read.notes;
  return { pixels, notes, dpi: await dpiOf(image) };
}

async function opened(bytes: Uint8Array): Promise<{ image: GeoTIFFImage; frames: number }> {
  try {
    const file = await fromArrayBuffer(bytes.slice().buffer);
    return { image: await file.getImage(), frames: await file.getImageCount() };
  } catch (error) {
    console.error(error);
    throw new NotAnswered(SAID.unreadable);
  }
}

async function decoded(image: GeoTIFFImage, photometric: number): Promise<Read> {
  const directory = image.fileDirectory;
  const compression: number = (await directory.loadValue("Compression")) ?? 1;
  const bits = image.getBitsPerSample() || 1, channels = image.getSamplesPerPixel();
  const extra: number | undefined = (await directory.loadValue("ExtraSamples"))?.[0];
  if (!COMPRESSIONS.includes(compression) || (photometric === YCBCR && compression !== JPEG)) throw new NotAnswered(SAID.unreadable);
  const [width, height] = [image.getWidth(), image.getHeight()];
  const values = (await image.readRasters({ interleave: true })) as unknown as Uint8Array | Uint16Array;
  const whole = { values, width, height, channels, isDeep: bits > 8 };
  if ((photometric === RGB || photometric === YCBCR) && channels >= 3 && (bits === 8 || bits === 16)) {
    const wanted = channels > 3 && extra !== UNSPECIFIED ? 4 : 3;
    const kept = picked(values, channels, wanted);
    return rgbOfSamples({ ...whole, values: extra === PREMULTIPLIED ? divided(kept, whole.isDeep) : kept, channels: wanted });
  }
  if (photometric === CMYK && channels >= 4 && bits === 8) {
    return rgbOfSamples({ ...whole, values: fromCmyk(picked(values, channels, 4)), channels: 3 });
  }
  if (photometric === PALETTE && bits <= 8) {
    const colours = (await directory.loadValue("ColorMap")) as ArrayLike<number> | undefined;
    if (!colours) throw new NotAnswered(SAID.damaged);
    return rgbOfSamples({ ...whole, values: fromPalette(picked(values, channels, 1), colours), channels: 3 });
  }
  if ((photometric !== BLACK_IS_ZERO && photometric !== WHITE_IS_ZERO) || (channels > 1 && !(channels === 2 && bits === 8))) {
    throw new NotAnswered(SAID.unreadable);
  }
  if (bits > 8) return rgbOfSamples(whole); // of which Pillow inverts none
  const most = 2 ** bits - 1, inverted = photometric === WHITE_IS_ZERO;
  const levels = values.map((value, at) => (at % channels === 0 ? ((inverted ? most - value : value) * 255) / most : value));
  return rgbOfSamples({ ...whole, values: levels });
}

// The first `wanted` of the samples of each pixel.
function picked(values: Uint8Array | Uint16Array, channels: number, wanted: number): Uint8Array | Uint16Array {
  return channels === wanted ? values : values.filter((_, at) => at % channels < wanted);
}

// Colours that were multiplied by their opacity.
function divided(values: Uint8Array | Uint16Array, isDeep: boolean): Uint8Array | Uint16Array {
  const most = isDeep ? 0xffff : 255;
  return values.map((value, at) => {
    const opacity = values[at - (at % 4) + 3];
    return at % 4 === 3 || opacity === 0 ? value : Math.min(most, (value * most) / opacity);
  });
}

function fromPalette(values: ArrayLike<number>, colours: ArrayLike<number>): Uint8Array {
  const size = colours.length / 3;
  return Uint8Array.from({ length: values.length * 3 }, (_, at) => colours[(at % 3) * size + values[Math.floor(at / 3)]] >> 8);
}

function fromCmyk(values: ArrayLike<number>): Uint8Array {
  return Uint8Array.from({ length: (values.length / 4) * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3) * 4;
    const light = 255 - values[pixel + 3];
    return light - Math.round((values[pixel + (at % 3)] * light) / 255);
  });
}

// XResolution and YResolution, by inch unless ResolutionUnit says otherwise.
async function dpiOf(image: GeoTIFFImage): Promise<Dpi | undefined> {
  const directory = image.fileDirectory;
  const fraction = async (name: "XResolution" | "YResolution") => (await directory.loadValue(name)) as unknown as Dpi | undefined;
  const [across, down] = [await fraction("XResolution"), await fraction("YResolution")];
  const factor = { 2: 1, 3: 2.54 }[((await directory.loadValue("ResolutionUnit")) ?? 2) as 2 | 3];
  return across && down && factor ? [(across[0] / across[1]) * factor, (down[0] / down[1]) * factor] : undefined;
}

class BrowserJpeg extends BaseDecoder {
  async decodeBlock(block: ArrayBufferLike): Promise<ArrayBufferLike> {
    const { tables, channels, isRgb } = this.parameters as unknown as { tables?: ArrayLike<number>; channels: number; isRgb: boolean };
    const jpeg = new Uint8Array(block);
    const parts = [jpeg.slice(0, 2), Uint8Array.from([...ADOBE, isRgb ? 0 : 1]), Uint8Array.from(tables ?? []).slice(2, -2), jpeg.slice(2)];
    const { data } = rgbOf(rgbaOf(await bitmapOf(new Blob(channels === 3 ? parts : [parts[0], ...parts.slice(2)])), false));
    return (channels === 3 ? data : data.filter((_, at) => at % 3 === 0)).slice().buffer;
  }
}

addDecoder(JPEG, async () => BrowserJpeg, async (directory) => {
  const channels = directory.getValue("PlanarConfiguration") === 2 ? 1 : directory.getValue("SamplesPerPixel") ?? 1;
  if (channels !== 1 && channels !== 3) throw new NotAnswered(SAID.unreadable);
  const tables = await directory.loadValue("JPEGTables");
  const isRgb = directory.getValue("PhotometricInterpretation") === RGB;
  return { tileWidth: 0, tileHeight: 0, predictor: 1, bitsPerSample: 8, planarConfiguration: 1, tables, channels, isRgb };
});
