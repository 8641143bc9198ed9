// JPEG 2000, which browsers do not decode; OpenJPEG, in WebAssembly, is loaded when such a file is opened.
import openjpeg from "@cornerstonejs/codec-openjpeg/decodewasmjs";
import wasm from "@cornerstonejs/codec-openjpeg/decodewasm?url";
import { NotAnswered, WORDS } from "./words";
import { checkSize, rgbOfSamples, type Read } from "./samples";
import type { Dpi } from "./resolution";

const METRES_PER_INCH = 0.0254;
let loaded: ReturnType<typeof openjpeg> | undefined;

/** Samples as they are in the file, pixel by pixel. */
export interface Frame {
  values: Int8Array | Uint8Array | Int16Array | Uint16Array;
  width: number; height: number; bits: number; channels: number; isSigned: boolean;
}

/** Returns the picture in a JPEG 2000 file or codestream, and its resolution. */
export async function readJpeg2000(bytes: Uint8Array): Promise<Read & { dpi?: Dpi }> {
  const { values, width, height, bits, channels, isSigned } = await frameOf(bytes);
  if (bits > 16) throw new NotAnswered(WORDS.sentences.unreadable);
  const wanted = bits > 8 && channels === 1 ? 16 : 8; // Pillow stretches grey to 16 bits, and brings colours to 8
  const levels = Uint16Array.from(values, (value) => {
    const level = isSigned ? value + 2 ** (bits - 1) : value;
    return bits > wanted ? level >> (bits - wanted) : level << (wanted - bits);
  });
  const read = rgbOfSamples({ values: levels, width, height, channels, isDeep: wanted === 16 });
  return { ...read, dpi: dpiOf(bytes) };
}

/** Returns the samples in a JPEG 2000 file or codestream. */
export async function frameOf(bytes: Uint8Array): Promise<Frame> {
  checkHeader(bytes);
  loaded ??= openjpeg({ locateFile: () => new URL(wasm, self.location.href).href, print: () => {} });
  const decoder = new (await loaded).J2KDecoder();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, bitsPerSample: bits, componentCount: channels, isSigned } = decoder.getFrameInfo();
    const found = decoder.getDecodedBuffer().slice().buffer; // a copy, since the decoder's memory is freed
    const kinds = bits > 8 ? [Int16Array, Uint16Array] : [Int8Array, Uint8Array];
    const values = new kinds[isSigned ? 0 : 1](found);
    if (!values.length || values.length < width * height * channels) throw new Error("the codestream ends too early");
    return { values, width, height, bits, channels, isSigned };
  } catch (error) {
    if (error instanceof NotAnswered) throw error;
    console.error(error);
    throw new NotAnswered(WORDS.sentences.damaged);
  } finally {
    decoder.delete();
  }
}

// The markers SOC and SIZ start a codestream; the picture is what lies between two corners (ISO 15444-1, A.5.1).
function checkHeader(bytes: Uint8Array): void {
  const at = bytes.findIndex((byte, n) => byte === 0xff && bytes[n + 1] === 0x4f && bytes[n + 2] === 0xff && bytes[n + 3] === 0x51);
  if (at < 0 || at + 42 > bytes.length) throw new NotAnswered(WORDS.sentences.damaged);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  checkSize(view.getUint32(8) - view.getUint32(16), view.getUint32(12) - view.getUint32(20));
  if (![1, 3].includes(view.getUint16(40))) throw new NotAnswered(WORDS.sentences.unreadable); // OpenJPEG's build reads no others
}

// The box resc within res within jp2h: pixels per metre down and across, each a fraction and a power of ten.
function dpiOf(bytes: Uint8Array): Dpi | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [at, end] = [0, bytes.length];
  while (at + 8 <= end) {
    const length = view.getUint32(at) || end - at;
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "resc" && at + 18 <= end) {
      const perInch = (fraction: number, power: number) =>
        (view.getUint16(fraction) / view.getUint16(fraction + 2)) * 10 ** view.getInt8(power) * METRES_PER_INCH;
      return [perInch(at + 12, at + 17), perInch(at + 8, at + 16)];
    }
    if (kind === "jp2h" || kind === "res ") [at, end] = [at + 8, Math.min(end, at + length)];
    else at += Math.max(length, 8);
  }
  return undefined;
}
