// The signed map as pixels: the same colours, scale and interpolation as overread/heatmap_drawing.py.

export const FOR = [255, 128, 0];
export const AGAINST = [0, 150, 170];
const SIDE = 320; // of the interpolated map, in pixels; the canvas enlarges it further

function cubic(x) { // Catmull-Rom with a = -0.5, as Pillow's BICUBIC
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

function weights(from, to) {
  return Array.from({ length: to }, (_, index) => {
    const centre = ((index + 0.5) * from) / to;
    const first = Math.max(0, Math.floor(centre - 2 + 0.5));
    const last = Math.min(from, Math.floor(centre + 2 + 0.5));
    const values = [];
    for (let cell = first; cell < last; cell += 1) values.push(cubic(cell + 0.5 - centre));
    const sum = values.reduce((total, value) => total + value, 0);
    return { first, values: values.map((value) => value / sum) };
  });
}

// Returns the map, an array of rows, interpolated to width x height as one Float32Array by row.
export function enlarge(cells, width, height) {
  const across = weights(cells[0].length, width);
  const down = weights(cells.length, height);
  const rows = cells.map((row) => across.map(({ first, values }) =>
    values.reduce((total, weight, offset) => total + weight * row[first + offset], 0)));
  const grown = new Float32Array(width * height);
  down.forEach(({ first, values }, y) => {
    for (let x = 0; x < width; x += 1) {
      let total = 0;
      values.forEach((weight, offset) => { total += weight * rows[first + offset][x]; });
      grown[y * width + x] = total;
    }
  });
  return grown;
}

// Returns { canvas, values, width, height }: the coloured map, opaque where a cell has `scale` log-odds or more.
export function colouredMap(cells, scale, smooth) {
  const [height, width] = smooth ? [SIDE, SIDE] : [cells.length, cells[0].length];
  const values = smooth ? enlarge(cells, width, height) : Float32Array.from(cells.flat());
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  values.forEach((value, index) => {
    const colour = value > 0 ? FOR : AGAINST;
    pixels.data.set([...colour, Math.round(255 * Math.min(1, Math.abs(value) / scale))], index * 4);
  });
  context.putImageData(pixels, 0, 0);
  return { canvas, values, width, height };
}

// Returns a Path2D in units of the map (0 to 1) of the lines where the map has the value `level` (marching squares).
export function contour(values, width, height, level) {
  const path = new Path2D();
  const between = (a, b) => (level - a) / (b - a);
  for (let y = 0; y + 1 < height; y += 1) {
    for (let x = 0; x + 1 < width; x += 1) {
      const [a, b, c, d] = [values[y * width + x], values[y * width + x + 1],
        values[(y + 1) * width + x + 1], values[(y + 1) * width + x]];
      const crossed = [];
      if ((a > level) !== (b > level)) crossed.push([x + between(a, b), y]);
      if ((b > level) !== (c > level)) crossed.push([x + 1, y + between(b, c)]);
      if ((d > level) !== (c > level)) crossed.push([x + between(d, c), y + 1]);
      if ((a > level) !== (d > level)) crossed.push([x, y + between(a, d)]);
      for (let index = 0; index + 1 < crossed.length; index += 2) {
        path.moveTo((crossed[index][0] + 0.5) / width, (crossed[index][1] + 0.5) / height);
        path.lineTo((crossed[index + 1][0] + 0.5) / width, (crossed[index + 1][1] + 0.5) / height);
      }
    }
  }
  return path;
}

// Returns the indices of the cells that make up half of the evidence of one sign, the strongest first.
export function strongestCells(cells, sign) {
  const found = cells.flat().map((value, index) => [value * sign, index]).filter(([value]) => value > 0);
  found.sort((one, other) => other[0] - one[0]);
  const half = found.reduce((total, [value]) => total + value, 0) / 2;
  const chosen = new Set();
  let sum = 0;
  for (const [value, index] of found) {
    if (sum >= half) break;
    sum += value;
    chosen.add(index);
  }
  return chosen;
}

// Returns one bit per cell, by row, the first in the highest bit, as hexadecimal text.
export function asHex(chosen, count) {
  const bytes = new Uint8Array(Math.ceil(count / 8));
  chosen.forEach((index) => { bytes[index >> 3] |= 128 >> (index & 7); });
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
