// DICOM files as overread/dicom.py reads them: modality and VOI LUT, MONOCHROME1, 8 bits. Uncompressed, baseline JPEG or, of grey
// values, JPEG 2000.
import dicomParser, { type DataSet } from "dicom-parser";
import { NotAnswered, WORDS, filled } from "./words";
import { bitmapOf, rgbOf, rgbaOf } from "./picture";
import { plausible, type Scale } from "./scale";
import type { Pixels } from "./pixels";
import type { Tags } from "./guard";

const SAID = WORDS.sentences;
const LITTLE_ENDIAN = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"], JPEG_BASELINE = "1.2.840.10008.1.2.4.50";
const JPEG_2000 = ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"];
type Values = ArrayLike<number>;
interface Lut { first: number; table: number[] }

/** Returns whether the bytes are a DICOM file: "DICM" after a preamble of 128 bytes (PS3.10 section 7.1). */
export const isDicom = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";

export async function decodeDicom(bytes: Uint8Array): Promise<{ pixels: Pixels; notes: string[]; tags: Tags; scale?: Scale }> {
  let data: DataSet;
  try {
    data = dicomParser.parseDicom(bytes);
  } catch {
    throw new NotAnswered(SAID.dicom_damaged);
  }
  const [width, height] = [data.uint16("x00280011") ?? 0, data.uint16("x00280010") ?? 0];
  if (!width || !height || !data.elements.x7fe00010) throw new NotAnswered(SAID.dicom_without_picture);
  if (width * height > WORDS.limits.pixels) throw new NotAnswered(SAID.too_many_pixels);
  const frames = data.intString("x00280008") ?? 1;
  const photometric = data.string("x00280004") ?? "";
  const channels = data.uint16("x00280002") ?? 1;
  const values = await valuesOf(data, width * height * channels);
  const pixels = channels === 3 ? colour(data, values, width, height, photometric) : grey(data, values, width, height, photometric);
  return { pixels, notes: frames > 1 ? [filled(SAID.frames, { frames })] : [], tags: tagsOf(data), scale: scaleOf(data) };
}

async function valuesOf(data: DataSet, count: number): Promise<Values> {
  const element = data.elements.x7fe00010;
  const syntax = data.string("x00020010") ?? "";
  const isJpeg2000 = JPEG_2000.includes(syntax) && data.uint16("x00280002") === 1;
  if ((syntax === JPEG_BASELINE || isJpeg2000) && element.fragments) {
    const jpeg = dicomParser.readEncapsulatedPixelDataFromFragments(data, element, 0, element.fragments.length);
    if (isJpeg2000) return jpeg2000(jpeg.slice(), count);
    const bitmap = await bitmapOf(new Blob([jpeg.slice()])).catch(() => { throw new NotAnswered(SAID.dicom_damaged); });
    const { data: rgb } = rgbOf(rgbaOf(bitmap, false));
    return rgb.length === count ? rgb : rgb.filter((_, n) => n % 3 === 0);
  }
  if (!LITTLE_ENDIAN.includes(syntax)) throw new NotAnswered(SAID.dicom_compressed);
  const size = (data.uint16("x00280100") ?? 8) / 8;
  if (element.length < count * size) throw new NotAnswered(SAID.dicom_damaged);
  const raw = data.byteArray.slice(element.dataOffset, element.dataOffset + count * size).buffer as ArrayBuffer;
  const isSigned = data.uint16("x00280103") === 1;
  if (size === 1) return isSigned ? new Int8Array(raw) : new Uint8Array(raw);
  if (size !== 2) throw new NotAnswered(SAID.dicom_compressed);
  return isSigned ? new Int16Array(raw) : new Uint16Array(raw);
}

async function jpeg2000(bytes: Uint8Array, count: number): Promise<Values> {
  const { frameOf } = await import("./jpeg2000");
  const { values } = await frameOf(bytes).catch(() => { throw new NotAnswered(SAID.dicom_compressed); });
  if (values.length !== count) throw new NotAnswered(SAID.dicom_damaged);
  return values;
}

function grey(data: DataSet, raw: Values, width: number, height: number, photometric: string): Pixels {
  const values = voi(data, modality(data, Float64Array.from(raw)));
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const rgb = new Uint8Array(width * height * 3);
  values.forEach((value, n) => {
    const level = ((value - low) * 255) / (high - low || 1);
    rgb.fill(Math.round(photometric === "MONOCHROME1" ? 255 - level : level), 3 * n, 3 * n + 3);
  });
  return { width, height, data: rgb };
}

// PS3.3 C.11.1
function modality(data: DataSet, values: Float64Array): Float64Array {
  const lut = lutOf(data, "x00283000");
  if (lut) return looked(values, lut);
  const [slope, intercept] = [data.floatString("x00281053") ?? 1, data.floatString("x00281052") ?? 0];
  return values.map((value) => value * slope + intercept);
}

// PS3.3 C.11.2
function voi(data: DataSet, values: Float64Array): Float64Array {
  const lut = lutOf(data, "x00283010");
  if (lut) return looked(values, lut);
  const [centre, width] = [data.floatString("x00281050"), data.floatString("x00281051")];
  if (centre === undefined || width === undefined) return values;
  const shape = data.string("x00281056") ?? "LINEAR";
  if (shape === "SIGMOID") return values.map((value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width)));
  const [middle, range] = shape === "LINEAR_EXACT" ? [centre, width] : [centre - 0.5, width - 1];
  return values.map((value) => Math.min(1, Math.max(0, (value - middle) / range + 0.5)));
}

function lutOf(data: DataSet, sequence: string): Lut | undefined {
  const item = data.elements[sequence]?.items?.[0]?.dataSet;
  const table = item?.elements.x00283006;
  if (!item || !table) return undefined;
  const first = data.uint16("x00280103") === 1 ? item.int16("x00283002", 1) : item.uint16("x00283002", 1);
  const bits = item.uint16("x00283002", 2) ?? 16;
  const count = item.uint16("x00283002", 0) || 65536;
  const size = bits <= 8 && table.length < 2 * count ? 1 : 2;
  const read = (n: number) => (size === 1 ? item.byteArray[table.dataOffset + n] : item.uint16("x00283006", n) ?? 0);
  return { first: first ?? 0, table: Array.from({ length: count }, (_, n) => read(n)) };
}

const looked = (values: Float64Array, { first, table }: Lut) =>
  values.map((value) => table[Math.min(table.length - 1, Math.max(0, value - first))]);

function colour(data: DataSet, values: Values, width: number, height: number, photometric: string): Pixels {
  const planar = data.uint16("x00280006") === 1 && data.string("x00020010") !== JPEG_BASELINE;
  const [count, rgb] = [width * height, new Uint8ClampedArray(width * height * 3)];
  const at = (pixel: number, channel: number) => values[planar ? channel * count + pixel : pixel * 3 + channel];
  const isYbr = photometric.startsWith("YBR") && data.string("x00020010") !== JPEG_BASELINE;
  if (isYbr && photometric !== "YBR_FULL") throw new NotAnswered(SAID.dicom_compressed);
  for (let pixel = 0; pixel < count; pixel += 1) {
    const [one, two, three] = [at(pixel, 0), at(pixel, 1), at(pixel, 2)];
    const [blue, red] = [two - 128, three - 128]; // PS3.3 C.7.6.3.1.2
    rgb.set(isYbr ? [one + 1.402 * red, one - 0.344136 * blue - 0.714136 * red, one + 1.772 * blue] : [one, two, three], pixel * 3);
  }
  return { width, height, data: rgb };
}

// As overread/scale.py: PixelSpacing, down before across and in mm, or the whole of a slide in mm (PS3.3 C.8.12.4).
function scaleOf(data: DataSet): Scale | undefined {
  const { sources, um_per_mm: mm } = WORDS.scale;
  const measures = data.elements.x52009229?.items?.[0]?.dataSet?.elements.x00289110?.items?.[0]?.dataSet;
  const spaced = [measures, data].find((place) => place?.elements.x00280030);
  if (spaced) {
    return plausible(spaced.floatString("x00280030", 1)! * mm, spaced.floatString("x00280030", 0)! * mm, sources.spacing);
  }
  const [width, height] = [data.float("x00480001"), data.float("x00480002")];
  const [columns, rows] = [data.uint32("x00480006"), data.uint32("x00480007")];
  return width && height && columns && rows ? plausible((width * mm) / columns, (height * mm) / rows, sources.volume) : undefined;
}

// As overread/dicom_tags.py: what has not the form of the standard counts as missing.
function tagsOf(data: DataSet): Tags {
  const code = (tag: string) => {
    const value = (data.string(tag) ?? "").replace(/[\s_-]/g, "").toUpperCase();
    return /^[A-Z]{2,16}$/.test(value) ? value : undefined;
  };
  const { frontal_views, other_views } = WORDS.guard;
  const view = code("x00185101");
  const age = /^\s*(\d{3})([DWMY])\s*$/.exec(data.string("x00101010") ?? "");
  const perYear = { D: 365.25, W: 365.25 / 7, M: 12, Y: 1 }[age?.[2] ?? "Y"]!;
  return {
    modality: code("x00080060"),
    bodyPart: code("x00180015"),
    view: view && [...frontal_views, ...other_views].includes(view) ? view : undefined,
    age: age && !(age[2] === "Y" && Number(age[1]) === 0) ? Math.trunc(Number(age[1]) / perYear) : undefined,
  };
}
