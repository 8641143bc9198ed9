// RGB pixels, and the two operations of Pillow that the guard's statistics and the lung net were fitted with.

/** Red, green, blue per pixel, row by row. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

const CHANNELS = 3;
const BITS = 22; // weights are rounded to multiples of 2 ** -22, as in Pillow (src/libImaging/Resample.c)

/** Returns what Image.resize((width, height), BICUBIC, reducing_gap=gap) returns. */
export function shrink(image: Pixels, width: number, height: number, gap: number): Pixels {
  const across = Math.trunc(image.width / width / gap) || 1;
  const down = Math.trunc(image.height / height / gap) || 1;
  const small = across > 1 || down > 1 ? reduce(image, across, down) : image;
  return resize(small, width, height, image.width / across, image.height / down);
}

/** Returns what Image.resize((width, height), BICUBIC, box=(0, 0, boxWidth, boxHeight)) returns. */
export function resize(image: Pixels, width: number, height: number, boxWidth = image.width, boxHeight = image.height): Pixels {
  let wide = image;
  if (width !== image.width || boxWidth !== image.width) {
    const data = pass(image.data, image.height, image.width, boxWidth, width, 1, image.width, 1, width);
    wide = { width, height: image.height, data };
  }
  if (height === image.height && boxHeight === image.height) return wide;
  const data = pass(wide.data, width, image.height, boxHeight, height, width, 1, width, 1);
  return { width, height, data };
}

const cubic = (x: number) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0);

function weights(length: number, box: number, target: number, place: number): { first: number; values: number[] } {
  const scale = box / target, stretch = Math.max(scale, 1), centre = (place + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
  const last = Math.min(length, Math.trunc(centre + 2 * stretch + 0.5));
  const found = Array.from({ length: last - first }, (_, n) => cubic(Math.abs(n + first - centre + 0.5) / stretch));
  const sum = found.reduce((total, weight) => total + weight, 0);
  return { first, values: found.map((weight) => Math.round((weight / sum) * 2 ** BITS)) };
}

// One direction: `lines` lines of `length` pixels become lines of `target` pixels; steps count pixels in the array.
function pass(
  pixels: Pixels["data"], lines: number, length: number, box: number, target: number,
  inStep: number, inLine: number, outStep: number, outLine: number,
): Uint8ClampedArray {
  const out = new Uint8ClampedArray(lines * target * CHANNELS);
  for (let place = 0; place < target; place += 1) {
    const { first, values } = weights(length, box, target, place);
    for (let line = 0; line < lines; line += 1) {
      for (let channel = 0; channel < CHANNELS; channel += 1) {
        let at = (line * inLine + first * inStep) * CHANNELS + channel;
        let sum = 2 ** (BITS - 1);
        for (const weight of values) {
          sum += weight * pixels[at];
          at += inStep * CHANNELS;
        }
        out[(line * outLine + place * outStep) * CHANNELS + channel] = Math.floor(sum / 2 ** BITS);
      }
    }
  }
  return out;
}

/** Returns what Image.reduce((across, down)) returns: means of whole blocks (src/libImaging/Reduce.c). */
function reduce(image: Pixels, across: number, down: number): Pixels {
  const width = Math.ceil(image.width / across), height = Math.ceil(image.height / down);
  const data = new Uint8ClampedArray(width * height * CHANNELS);
  for (let row = 0; row < height; row += 1) {
    const rows = Math.min(down, image.height - row * down);
    for (let column = 0; column < width; column += 1) {
      const columns = Math.min(across, image.width - column * across);
      const count = rows * columns;
      const factor = Math.trunc(Math.fround(2 ** 32 / Math.fround(256 * count)));
      for (let channel = 0; channel < CHANNELS; channel += 1) {
        let sum = count >> 1;
        for (let y = 0; y < rows; y += 1) {
          let at = ((row * down + y) * image.width + column * across) * CHANNELS + channel;
          for (let x = 0; x < columns; x += 1, at += CHANNELS) sum += image.data[at];
        }
        data[(row * width + column) * CHANNELS + channel] = Math.floor((sum * factor) / 2 ** 24);
      }
    }
  }
  return { width, height, data };
}

/** Returns the pixels turned by 180°. */
export function turned(image: Pixels): Pixels {
  return moved(image, image.width, image.height, (x, y) => [image.width - 1 - x, image.height - 1 - y]);
}

/** Returns the pixels turned by 90° to the left (counter-clockwise) or to the right. */
export function onItsSide(image: Pixels, left: boolean): Pixels {
  const { width, height } = image;
  return moved(image, height, width, (x, y) => (left ? [width - 1 - y, x] : [y, height - 1 - x]));
}

/** Returns the pixels turned as Exif's orientation says. */
export function upright(image: Pixels, orientation: number): Pixels {
  const [right, bottom] = [image.width - 1, image.height - 1];
  const from: ((x: number, y: number) => [number, number])[] = [
    (x, y) => [right - x, y], (x, y) => [right - x, bottom - y], (x, y) => [x, bottom - y],
    (x, y) => [y, x], (x, y) => [y, bottom - x], (x, y) => [right - y, bottom - x], (x, y) => [right - y, x],
  ];
  if (!from[orientation - 2]) return image;
  const [width, height] = orientation < 5 ? [image.width, image.height] : [image.height, image.width];
  return moved(image, width, height, from[orientation - 2]);
}

export function inverted(image: Pixels): Pixels {
  return { ...image, data: image.data.map((value) => 255 - value) };
}

export function cropped(image: Pixels, left: number, top: number, width: number, height: number): Pixels {
  return moved(image, width, height, (x, y) => [x + left, y + top]);
}

function moved(image: Pixels, width: number, height: number, from: (x: number, y: number) => [number, number]): Pixels {
  const data = new Uint8Array(width * height * CHANNELS);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [oldX, oldY] = from(x, y);
      const at = (oldY * image.width + oldX) * CHANNELS;
      data.set(image.data.subarray(at, at + CHANNELS), (y * width + x) * CHANNELS);
    }
  }
  return { width, height, data };
}
