// PNG of 16 bits, of which a browser keeps 8; loaded when one is opened.
import { decode } from "fast-png";
import { NotAnswered, WORDS } from "./words";
import { checkSize, rgbOfSamples, type Read } from "./samples";

/** Returns the picture in a PNG file with 16 bits a value. */
export function readDeepPng(bytes: Uint8Array): Read {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  checkSize(view.getUint32(16), view.getUint32(20));
  try {
    const { data, width, height, channels } = decode(bytes);
    return rgbOfSamples({ values: data, width, height, channels, isDeep: true });
  } catch (error) {
    console.error(error);
    throw new NotAnswered(WORDS.sentences.damaged);
  }
}
