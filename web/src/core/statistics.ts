// Statistics of an image's pixels, the same as overread/pixel_statistics.py, by the same names.
import { shrink, type Pixels } from "./pixels";

export interface Statistics {
  grey: number[];
  colour: number[];
  layout: number[];
  colourfulness: number;
  contrast: number;
}

export const SIDE = 96;
export const GAP = 3;
const LAYOUT_SIDE = 16, LAYOUT_ORDER = 8, FLOOR = 0.002;
const SCALES = [1, 2, 4, 8, 16, 32], TAIL_SCALES = [1, 4, 16];
const COUNT = SIDE * SIDE;

const FREQUENCIES: [number, number][] = [];
for (let down = 0; down < LAYOUT_ORDER; down += 1) {
  for (let across = 0; across < LAYOUT_ORDER; across += 1) {
    if (down + across > 0 && down + across < LAYOUT_ORDER) FREQUENCIES.push([down, across]);
  }
}
const DENSITY = Array.from({ length: 256 }, (_, value) => -Math.log(Math.max(value, 1) / 255));
const COSINES = Array.from({ length: LAYOUT_ORDER }, (_, frequency) =>
  Array.from({ length: LAYOUT_SIDE }, (_, position) =>
    (frequency === 0 ? Math.SQRT1_2 : 1) * Math.sqrt(2 / LAYOUT_SIDE)
      * Math.cos((Math.PI * frequency * (position + 0.5)) / LAYOUT_SIDE)));

/** Returns the statistics of the image flipped top to bottom. */
export function upsideDown(seen: Statistics): Statistics {
  return { ...seen, layout: seen.layout.map((value, n) => (FREQUENCIES[n][0] % 2 ? -value : value)) };
}

/** Returns the statistics of an image of any size, measured on a copy squashed to 96 x 96 px. */
export function pixelStatistics(image: Pixels): Statistics {
  const small = shrink(image, SIDE, SIDE, GAP).data;
  const channels = [0, 1, 2].map((channel) => Float64Array.from({ length: COUNT }, (_, n) => small[3 * n + channel]));
  const [red, green, blue] = channels;
  const levels = red.map((value, n) => value + green[n] + blue[n]);
  const grey = levels.map((value) => value / 765);
  const quantiles = quantilesOf(levels, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]).map((value) => value / 765);
  const shares = [levels.filter((value) => value < 15), levels.filter((value) => value > 750)].map((one) => one.length / COUNT);
  return {
    grey: [...quantiles, ...texture(grey), ...shares],
    colour: [...opticalDensity(channels), ...chroma(channels)],
    layout: layout(grey),
    colourfulness: colourfulness(channels),
    contrast: quantiles[5] - quantiles[1],
  };
}

function quantilesOf(values: Float64Array, shares: number[]): number[] {
  const ordered = values.toSorted();
  return shares.map((share) => ordered[Math.round(share * (ordered.length - 1))]);
}

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const rootMeanSquare = (values: Float64Array) => Math.sqrt(mean(values.map((value) => value * value)));
const meanSize = (values: Float64Array) => mean(values.map(Math.abs)) + FLOOR;

function deviation(values: Float64Array): number {
  const centre = mean(values);
  return rootMeanSquare(values.map((value) => value - centre));
}

// Returns f(y, x) over all places from which `down` and `across` more still lie within the image.
function overPlaces(down: number, across: number, value: (at: number) => number): Float64Array {
  const [rows, columns] = [SIDE - down, SIDE - across];
  const found = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) found[y * columns + x] = value(y * SIDE + x);
  }
  return found;
}

const downBy = (image: Float64Array, scale: number) => overPlaces(scale, 0, (at) => image[at + scale * SIDE] - image[at]);
const acrossBy = (image: Float64Array, scale: number) => overPlaces(0, scale, (at) => image[at + scale] - image[at]);

function texture(grey: Float64Array): number[] {
  const values: number[] = [];
  for (const scale of SCALES) {
    for (const difference of [downBy(grey, scale), acrossBy(grey, scale)]) {
      const size = meanSize(difference);
      values.push(Math.log(size));
      if (TAIL_SCALES.includes(scale)) values.push(Math.log(size / (rootMeanSquare(difference) + FLOOR)));
    }
  }
  const curvature = overPlaces(2, 0, (at) => grey[at + 2 * SIDE] - 2 * grey[at + SIDE] + grey[at]);
  const down = overPlaces(1, 1, (at) => grey[at + SIDE] - grey[at]);
  const across = overPlaces(1, 1, (at) => grey[at + 1] - grey[at]);
  const together = mean(down.map((value, n) => value * across[n]));
  const direction = together / (rootMeanSquare(down) * rootMeanSquare(across) + 1e-4);
  return [...values, Math.log(meanSize(curvature)), direction];
}

function opticalDensity(channels: Float64Array[]): number[] {
  const densities = channels.map((channel) => channel.map((value) => DENSITY[value]));
  const means = densities.map(mean);
  const covariance = (one: number, other: number) =>
    densities[one].reduce((sum, value, n) => sum + (value - means[one]) * (densities[other][n] - means[other]), 0) / (COUNT - 1)
    + (one === other ? 1e-4 : 0);
  const deviations = [0, 1, 2].map((channel) => Math.sqrt(covariance(channel, channel)));
  const correlations = [[0, 1], [1, 2], [0, 2]].map(([one, other]) =>
    covariance(one, other) / (deviations[one] * deviations[other]));
  const quantiles = channels.flatMap((channel) => quantilesOf(channel, [0.95, 0.5, 0.05]).map((value) => DENSITY[value]));
  return [...means, ...deviations.map((value) => 2 * Math.log(value)), ...correlations, ...quantiles];
}

function chroma([red, green, blue]: Float64Array[]): number[] {
  const spread = red.map((value, n) => Math.max(value, green[n], blue[n]) - Math.min(value, green[n], blue[n]));
  const widest = quantilesOf(spread, [0.95])[0] / 255;
  const channels = [red, blue].map((channel) => channel.map((value, n) => (value - green[n]) / 255));
  const differences = channels.flatMap((channel) => TAIL_SCALES.map((scale) => Math.log(meanSize(downBy(channel, scale)))));
  return [Math.log(mean(spread) / 255 + FLOOR), Math.log(widest + FLOOR), ...channels.map(mean), ...channels.map(deviation),
    ...differences];
}

function colourfulness([red, green, blue]: Float64Array[]): number {
  const redGreen = red.map((value, n) => value - green[n]);
  const yellowBlue = red.map((value, n) => (value + green[n]) / 2 - blue[n]);
  return Math.hypot(deviation(redGreen), deviation(yellowBlue)) + 0.3 * Math.hypot(mean(redGreen), mean(yellowBlue));
}

function layout(grey: Float64Array): number[] {
  const cell = SIDE / LAYOUT_SIDE;
  let cells = new Float64Array(LAYOUT_SIDE * LAYOUT_SIDE);
  grey.forEach((value, at) => {
    const [y, x] = [Math.floor(at / SIDE / cell), Math.floor((at % SIDE) / cell)];
    cells[y * LAYOUT_SIDE + x] += value / cell ** 2;
  });
  const centre = mean(cells);
  cells = cells.map((value) => value - centre);
  const length = Math.sqrt(cells.reduce((sum, value) => sum + value * value, 0)) + 0.01;
  return FREQUENCIES.map(([down, across]) => {
    let sum = 0;
    for (let y = 0; y < LAYOUT_SIDE; y += 1) {
      for (let x = 0; x < LAYOUT_SIDE; x += 1) sum += COSINES[down][y] * cells[y * LAYOUT_SIDE + x] * COSINES[across][x];
    }
    return sum / length;
  });
}
