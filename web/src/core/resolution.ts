// Pixels per inch as files say them, across and down: what Pillow puts into info["dpi"], which overread/scale.py reads.
export type Dpi = [number, number];

const CM_PER_INCH = 2.54, M_PER_INCH = 0.0254, BMP_INCHES_PER_M = 39.3701; // Pillow's own number for BMP
const X_RESOLUTION = 0x011a, UNIT = 0x0128, CENTIMETRE = 3;

/** Returns the resolution in a PNG, JPEG or BMP file. */
export function dpiOf(bytes: Uint8Array): Dpi | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (bytes[0] === 0x89) return ofPng(view);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return ofJpeg(view);
    if (bytes[0] === 0x42 && bytes[1] === 0x4d) return ofBmp(view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a header that ends too early says nothing
  }
  return undefined;
}

const name = (view: DataView, at: number, length: number) =>
  String.fromCharCode(...Array.from({ length }, (_, n) => view.getUint8(at + n)));

// The chunk pHYs: pixels per unit across and down, unit 1 is the metre.
function ofPng(view: DataView): Dpi | undefined {
  for (let at = 8; ; at += 12 + view.getUint32(at)) {
    const kind = name(view, at + 4, 4);
    if (kind === "IDAT" || kind === "IEND") return undefined;
    if (kind !== "pHYs") continue;
    if (view.getUint8(at + 16) !== 1) return undefined;
    return [view.getUint32(at + 8) * M_PER_INCH, view.getUint32(at + 12) * M_PER_INCH];
  }
}

// JFIF's density; where it says none, Exif's XResolution for both directions.
function ofJpeg(view: DataView): Dpi | undefined {
  let exif: Dpi | undefined;
  for (let at = 2; view.getUint8(at) === 0xff && view.getUint8(at + 1) !== 0xda; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xe0 && name(view, at + 4, 4) === "JFIF") {
      const factor = { 1: 1, 2: CM_PER_INCH }[view.getUint8(at + 11)];
      if (factor) return [view.getUint16(at + 12) * factor, view.getUint16(at + 14) * factor];
    }
    if (marker === 0xe1 && name(view, at + 4, 4) === "Exif") exif = ofExif(view, at + 10);
  }
  return exif;
}

function ofExif(view: DataView, start: number): Dpi | undefined {
  const little = name(view, start, 2) === "II";
  const directory = start + view.getUint32(start + 4, little);
  let [dpi, unit] = [NaN, 0];
  for (let entry = 0; entry < view.getUint16(directory, little); entry += 1) {
    const at = directory + 2 + 12 * entry;
    const tag = view.getUint16(at, little);
    if (tag === UNIT) unit = view.getUint16(at + 8, little);
    if (tag !== X_RESOLUTION) continue;
    const value = start + view.getUint32(at + 8, little);
    dpi = view.getUint32(value, little) / view.getUint32(value + 4, little);
  }
  if (unit === CENTIMETRE) dpi *= CM_PER_INCH;
  return unit && Number.isFinite(dpi) ? [dpi, dpi] : undefined;
}

function ofBmp(view: DataView): Dpi | undefined {
  if (view.getUint32(14, true) < 40) return undefined; // an OS/2 header has no resolution
  return [view.getUint32(38, true) / BMP_INCHES_PER_M, view.getUint32(42, true) / BMP_INCHES_PER_M];
}
