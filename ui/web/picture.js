// One picture: its answer and evidence are shown; settings only redraw, they never ask again.

import { showComparison } from "./comparison.js";
import { Covering } from "./covering.js";
import { EvidenceView } from "./evidence.js";
import { Guessing } from "./guessing.js";
import { ask, loaded } from "./requests.js";
import { Settings } from "./settings.js";
import { TakingAlong } from "./taking_along.js";
import { Windowing } from "./windowing.js";

const FIELD = ["unknown_scale", "larger_than_patch"]; // it is no patch: the slide taker asks for its scale or scans it
const NEEDS_ANSWER = ".asks button, .saves button";

export class PictureTaker {
  constructor(bench) {
    this.bench = bench;
    this.view = new EvidenceView(bench.find(".canvas"), bench.find(".readout"), () => this.covering.paintedChanged());
    this.guessing = new Guessing(bench.find(".verdict-place"), () => bench.tell(this.shown.spoken));
    this.covering = new Covering(this);
    this.settings = new Settings(bench);
    this.along = new TakingAlong(this);
    this.windowing = new Windowing(bench, this.view);
    this.listen();
  }

  get query() {
    const { config, model } = this.bench;
    return { domain: config.domain, model, ...(this.anyway ? { anyway: 1 } : {}), ...this.reading };
  }

  listen() {
    const { bench, view } = this;
    bench.on(".opacity", "input", (slider) => view.set({ opacity: slider.value / 100 }));
    for (const name of ["brightness", "contrast"]) {
      bench.on(`.${name}`, "input", (slider) => view.set({ [name]: Number(slider.value) }));
    }
    for (const name of ["grey", "cells", "contours", "lungs"]) {
      bench.on(`input.${name}`, "change", (box) => view.set({ [name]: box.checked }));
    }
    bench.on(".zoom .in", "click", () => view.zoomBy(1.5));
    bench.on(".zoom .out", "click", () => view.zoomBy(1 / 1.5));
    bench.on(".zoom .fit", "click", () => view.reset());
    bench.on(".guess", "change", (box) => this.guessing.switch(box.checked));
    bench.on(".compare", "click", () => showComparison(this));
  }

  async show(open, { asked, signal }) {
    this.anyway = false;
    await this.answer(open, asked, signal);
  }

  hide() {}

  modelChanged() {
    if (this.file) this.again(this.file);
  }

  // Asks about the file at hand once more, in other circumstances.
  again(file) {
    const signal = this.bench.newWait();
    return this.bench.attempt(() => this.answer(() => [file], true, signal));
  }

  async answer(open, asked, signal) {
    let file;
    try {
      [file] = await open();
      this.reading = file.reading; // { mpp } or { squash } where a slide turned out to be one patch
      const found = await (await ask("answer", this.query, file, signal)).json();
      const picture = await loaded(found.picture);
      if (signal.aborted) return;
      this.file = file;
      this.shown = { ...found, image: picture };
      this.draw();
    } catch (failure) {
      if (failure.name === "AbortError" || signal.aborted) throw failure;
      this.clear();
      if (FIELD.includes(failure.code) && this.bench.config.scans) {
        this.bench.take([file], { by: "slide" });
        return;
      }
      await this.showUnanswered(failure);
      if (failure.code !== "refused_image") throw failure;
      this.refused(file, failure);
    } finally {
      if (asked && !signal.aborted) this.bench.scrollTo(this.bench.find(".verdict-place"));
    }
  }

  // An older answer must not stay where another image could not be read.
  clear() {
    const { bench } = this;
    this.file = this.shown = undefined;
    this.windowing.offer(undefined);
    bench.find(".verdict-place").innerHTML = '<div class="verdict empty"><p>No answer.</p></div>';
    for (const place of [".forced-place", ".details-place", ".at-prevalence"]) bench.find(place).replaceChildren();
    bench.all(NEEDS_ANSWER).forEach((button) => { button.disabled = true; });
    bench.find(".comparison").hidden = true;
    this.covering.clear();
    this.view.clear();
    bench.find(".canvas").setAttribute("aria-label", "No picture");
  }

  // Shows the picture that got no answer, if it can be read.
  async showUnanswered({ said }) {
    if (!said?.picture) return;
    this.view.show({ picture: await loaded(said.picture) });
    this.bench.find(".canvas").setAttribute("aria-label", "The picture that was not read");
  }

  // Says what the guard saw in place of an answer, and offers one that carries the warning.
  refused(file, { message }) {
    const { bench } = this;
    const card = bench.find(".verdict");
    const heading = document.createElement("h2");
    heading.textContent = "Not read";
    const reason = document.createElement("p");
    reason.textContent = message;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "anyway", textContent: "Answer anyway" });
    button.addEventListener("click", () => {
      this.anyway = true;
      this.again(file);
    });
    card.replaceChildren(heading, reason, button);
    card.classList.add("refused");
    bench.tell(`Not read. ${message}`);
  }

  draw() {
    const { bench } = this;
    const { card, forced, details, spoken, answer } = this.shown;
    bench.find(".verdict-place").innerHTML = card;
    bench.find(".forced-place").innerHTML = forced;
    bench.find(".details-place").innerHTML = details;
    bench.find(".canvas").setAttribute("aria-label", spoken);
    bench.all(NEEDS_ANSWER).forEach((button) => { button.disabled = false; });
    bench.find(".copy-link").disabled = bench.number === undefined;
    bench.find(".comparison").hidden = true;
    this.covering.paint(false);
    this.covering.clear();
    this.showEvidence();
    this.windowing.offer(this.shown.deep ? this.file : undefined);
    this.settings.show();
    if (!this.guessing.hide(bench.config.finding, bench.number !== undefined, answer)) bench.tell(spoken);
  }

  // Shows the picture with the map of its answer.
  showEvidence(more = {}) {
    const { image, answer, scale, box } = this.shown;
    const outline = answer.lungs?.outline;
    this.bench.find(".lungs-choice").hidden = !outline?.length;
    this.view.show({ picture: image, cells: answer.heatmap.values, scale, box, outline, ...more });
  }
}
