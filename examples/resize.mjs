// Resizes RGB pixels as Pillow's Image.resize(size, BICUBIC) does: the nets' probabilities depend on the filter, and a
// canvas' drawImage moves them by up to 0.11. Cubic convolution with a = -0.5, widened by the scale when shrinking
// (antialiasing), horizontally first, rounded to 8 bits after each direction (Pillow, src/libImaging/Resample.c).
const cubic = (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0);
const BITS = 22; // weights are rounded to multiples of 2 ** -22, as in Pillow

function weights(length, target, place) {
  const scale = length / target, stretch = Math.max(scale, 1), centre = (place + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
  const last = Math.min(length, Math.trunc(centre + 2 * stretch + 0.5));
  const found = Array.from({ length: last - first }, (_, n) => cubic(Math.abs(n + first - centre + 0.5) / stretch));
  const sum = found.reduce((total, weight) => total + weight, 0);
  return { first, values: found.map((weight) => Math.round((weight / sum) * 2 ** BITS)) };
}

// One direction: `lines` lines of `length` pixels become lines of `target` pixels; steps count pixels in the array.
function pass(pixels, lines, length, target, inStep, inLine, outStep, outLine) {
  const out = new Uint8ClampedArray(lines * target * 3);
  for (let place = 0; place < target; place++) {
    const { first, values } = weights(length, target, place);
    for (let line = 0; line < lines; line++) {
      for (let channel = 0; channel < 3; channel++) {
        const start = (line * inLine + first * inStep) * 3 + channel;
        const sum = values.reduce((total, weight, n) => total + weight * pixels[start + n * inStep * 3], 2 ** (BITS - 1));
        out[(line * outLine + place * outStep) * 3 + channel] = Math.floor(sum / 2 ** BITS);
      }
    }
  }
  return out;
}

/** Returns the pixels at the new size; `pixels` holds red, green, blue per pixel, row by row. */
export function resize(pixels, width, height, newWidth, newHeight) {
  const wide = width === newWidth ? pixels : pass(pixels, height, width, newWidth, 1, width, 1, newWidth);
  return height === newHeight ? wide : pass(wide, newWidth, height, newHeight, newWidth, 1, newWidth, 1);
}
