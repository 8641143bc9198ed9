// Pictures in and out of the browser's own types.
import { WORDS } from "./words";
import type { Pixels } from "./pixels";

/** Returns the picture upright, with the values that are in the file. */
export function bitmapOf(file: Blob): Promise<ImageBitmap> {
  return createImageBitmap(file, { colorSpaceConversion: "none", imageOrientation: "from-image" });
}

export function rgbaOf(bitmap: ImageBitmap, overWhite: boolean): ImageData {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  if (overWhite) {
    context.fillStyle = "white";
    context.fillRect(0, 0, bitmap.width, bitmap.height);
  }
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

export function rgbOf({ data, width, height }: ImageData): Pixels {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, data: rgb };
}

/** Returns the picture for the screen, its longer side at most as in the app. */
export function shown({ data, width, height }: Pixels): Promise<ImageBitmap> {
  const rgba = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    rgba.data[to] = data[from];
    rgba.data[to + 1] = data[from + 1];
    rgba.data[to + 2] = data[from + 2];
    rgba.data[to + 3] = 255;
  }
  const factor = Math.min(1, WORDS.display_sides[1] / Math.max(width, height));
  const resizeWidth = Math.max(1, Math.round(width * factor)), resizeHeight = Math.max(1, Math.round(height * factor));
  return createImageBitmap(rgba, factor < 1 ? { resizeWidth, resizeHeight, resizeQuality: "high" } : {});
}
