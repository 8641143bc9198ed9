// Window and level of a film with more than 256 greys: the sliders act on the values that the file holds.

import { ask } from "./requests.js";

const HEADER = "Overread-Grey";

export class Windowing {
  constructor(bench, view) {
    Object.assign(this, { bench, view });
    this.place = bench.find(".window");
    for (const name of ["level", "width"]) {
      bench.on(`.window .${name}`, "input", () => this.changed());
    }
    bench.on(".window .reset", "click", () => this.reset());
  }

  // Offers the sliders for a file, or takes them away for undefined; they can be moved once the values have arrived.
  offer(file) {
    Object.assign(this, { file, film: undefined });
    this.place.hidden = !file;
    this.place.disabled = true;
    if (file) this.load(file);
  }

  async load(file) {
    let film;
    try {
      const { config } = this.bench;
      const response = await ask("values", { domain: config.domain }, file);
      film = { ...JSON.parse(response.headers.get(HEADER)), numbers: new Uint16Array(await response.arrayBuffer()) };
    } catch (failure) {
      console.error(failure);
      if (file === this.file) this.place.hidden = true;
      return;
    }
    if (file !== this.file) return; // another one was shown meanwhile
    this.film = film;
    this.place.disabled = false;
    const most = film.least + film.step * film.numbers.reduce((found, number) => Math.max(found, number), 0);
    const step = Math.max(film.step, (most - film.least) / 1000);
    this.limit(".level", film.least, most, step);
    this.limit(".width", step, Math.max(most - film.least, film.high - film.low, step), step);
    this.set(film.low, film.high);
  }

  limit(name, min, max, step) { Object.assign(this.place.querySelector(name), { min, max, step }); }

  set(low, high) {
    this.place.querySelector(".level").value = (low + high) / 2;
    this.place.querySelector(".width").value = high - low;
    this.say();
  }

  say() {
    for (const name of ["level", "width"]) {
      const slider = this.place.querySelector(`.${name}`);
      this.place.querySelector(`.${name}-value`).textContent = Number(Number(slider.value).toPrecision(4));
    }
  }

  changed() {
    this.say();
    const [level, width] = ["level", "width"].map((name) => Number(this.place.querySelector(`.${name}`).value));
    this.view.repaint(picture(this.film, level - width / 2, level + width / 2));
  }

  reset() {
    this.set(this.film.low, this.film.high);
    this.changed();
  }
}

// Returns a canvas with the film's values from `low` (black) to `high` (white).
export function picture({ numbers, width, height, least, step, inverted }, low, high) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  const greys = new Uint8ClampedArray(0x10000);
  for (let number = 0; number < 0x10000; number += 1) {
    const share = (least + step * number - low) / (high - low || 1);
    greys[number] = 255 * (inverted ? 1 - share : share); // clamped and rounded by the array
  }
  const words = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < numbers.length; index += 1) words[index] = 0xff000000 | (greys[numbers[index]] * 0x010101);
  context.putImageData(pixels, 0, 0);
  return canvas;
}
