// A file becomes upright RGB pixels, as in overread/images.py; the browser decodes all formats but DICOM.
import { NotAnswered, WORDS, filled } from "./words";
import { decodeDicom, isDicom } from "./dicom";
import { bitmapOf, rgbOf, rgbaOf } from "./picture";
import type { Pixels } from "./pixels";
import type { Tags } from "./guard";

export interface Decoded { pixels: Pixels; notes: string[]; tags: Tags; sha256: string }

const SAID = WORDS.sentences;
const SIXTEEN_BITS = "This PNG has 16 bits per value, of which a browser keeps 8: save it with 8 bits, or send DICOM.";

export async function decode(file: Blob): Promise<Decoded> {
  if (file.size === 0) throw new NotAnswered(SAID.empty);
  if (file.size > WORDS.limits.bytes) throw new NotAnswered(SAID.too_many_bytes);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const found = isDicom(bytes) ? await decodeDicom(bytes) : { ...(await decodeImage(file, bytes)), tags: {} };
  const { width, height } = found.pixels;
  if (width * height > WORDS.limits.pixels) throw new NotAnswered(SAID.too_many_pixels);
  if (Math.min(width, height) < WORDS.limits.side) throw new NotAnswered(filled(SAID.too_small, { width, height }));
  return { ...found, sha256 };
}

function isTransparent(rgba: Uint8ClampedArray): boolean {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] < 255) return true;
  return false;
}

async function decodeImage(file: Blob, bytes: Uint8Array): Promise<{ pixels: Pixels; notes: string[] }> {
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  if (isPng && bytes[24] === 16) throw new NotAnswered(SIXTEEN_BITS);
  const bitmap = await bitmapOf(file).catch(() => {
    const known = isPng || (bytes[0] === 0xff && bytes[1] === 0xd8);
    throw new NotAnswered(known ? SAID.damaged : SAID.unreadable);
  });
  const drawn = rgbaOf(bitmap, false);
  const transparent = isTransparent(drawn.data);
  const rgba = transparent ? rgbaOf(bitmap, true) : drawn;
  bitmap.close();
  return { pixels: rgbOf(rgba), notes: transparent ? [SAID.transparent] : [] };
}
