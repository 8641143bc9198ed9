// A file becomes upright RGB pixels, as in overread/images.py; the browser decodes what it can.
import { NotAnswered, WORDS } from "./words";
import { decodeDicom, isDicom } from "./dicom";
import { bitmapOf, rgbOf, rgbaOf } from "./picture";
import { dpiOf } from "./resolution";
import { checkSize, type Read } from "./samples";
import { fromDpi, type Scale } from "./scale";
import type { Tags } from "./guard";

export interface Decoded extends Read { tags: Tags; sha256: string; scale?: Scale }

const SAID = WORDS.sentences;

export async function decode(file: Blob): Promise<Decoded> {
  if (file.size === 0) throw new NotAnswered(SAID.empty);
  if (file.size > WORDS.limits.bytes) throw new NotAnswered(SAID.too_many_bytes);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const found = isDicom(bytes) ? await decodeDicom(bytes) : { ...(await decodeImage(file, bytes)), tags: {} };
  checkSize(found.pixels.width, found.pixels.height);
  return { ...found, sha256 };
}

async function decodeImage(file: Blob, bytes: Uint8Array): Promise<Read & { scale?: Scale }> {
  const start = String.fromCharCode(...bytes.subarray(0, 8));
  if (/^(II[*+]\0|MM\0[*+])/.test(start)) {
    const { dpi, ...read } = await (await import("./tiff")).readTiff(bytes);
    return { ...read, scale: fromDpi(dpi) };
  }
  if (/^(\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/.test(start)) {
    const { dpi, ...read } = await (await import("./jpeg2000")).readJpeg2000(bytes);
    return { ...read, scale: fromDpi(dpi) };
  }
  const isDeepPng = start === "\x89PNG\r\n\x1a\n" && bytes[24] === 16; // the depth, after width and height
  const read = isDeepPng ? (await import("./png")).readDeepPng(bytes) : await inBrowser(file, bytes);
  return { ...read, scale: fromDpi(dpiOf(bytes)) };
}

function isTransparent(rgba: Uint8ClampedArray): boolean {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] < 255) return true;
  return false;
}

async function inBrowser(file: Blob, bytes: Uint8Array): Promise<Read> {
  const bitmap = await bitmapOf(file).catch(() => {
    const known = (bytes[0] === 0x89 && bytes[1] === 0x50) || (bytes[0] === 0xff && bytes[1] === 0xd8); // PNG or JPEG
    throw new NotAnswered(known ? SAID.damaged : SAID.unreadable);
  });
  const drawn = rgbaOf(bitmap, false);
  const transparent = isTransparent(drawn.data);
  const rgba = transparent ? rgbaOf(bitmap, true) : drawn;
  bitmap.close();
  return { pixels: rgbOf(rgba), notes: transparent ? [SAID.transparent] : [] };
}
