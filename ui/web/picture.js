// One picture: its answer and evidence are shown; settings only redraw, they never ask again.

import { showComparison } from "./comparison.js";
import { Covering } from "./covering.js";
import { EvidenceView } from "./evidence.js";
import { Guessing } from "./guessing.js";
import { ask, loaded } from "./requests.js";
import { Settings } from "./settings.js";
import { TakingAlong } from "./taking_along.js";

const NEEDS_ANSWER = ".asks button, .saves button";

export class PictureTaker {
  constructor(bench) {
    this.bench = bench;
    this.view = new EvidenceView(bench.find(".canvas"), bench.find(".readout"), () => this.covering.paintedChanged());
    this.guessing = new Guessing(bench.find(".verdict-place"), () => bench.tell(this.shown.spoken));
    this.covering = new Covering(this);
    this.settings = new Settings(bench);
    this.along = new TakingAlong(this);
    this.listen();
  }

  get query() {
    const { config, model } = this.bench;
    return { domain: config.domain, model, ...(this.anyway ? { anyway: 1 } : {}) };
  }

  listen() {
    const { bench, view } = this;
    bench.on(".opacity", "input", (slider) => view.set({ opacity: slider.value / 100 }));
    for (const name of ["grey", "cells", "contours"]) {
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
    if (this.file) this.bench.give("picture", () => [this.file], true);
  }

  async answer(open, asked, signal) {
    let file;
    try {
      [file] = await open();
      const found = await (await ask("answer", this.query, file, signal)).json();
      const picture = await loaded(found.picture);
      if (signal.aborted) return;
      this.file = file;
      this.shown = { ...found, image: picture };
      this.draw();
    } catch (failure) {
      if (failure.name === "AbortError" || signal.aborted) throw failure;
      this.clear();
      if (failure.code !== "refused_image") throw failure;
      await this.refused(file, failure);
    } finally {
      if (asked && !signal.aborted) this.bench.scrollTo(this.bench.find(".verdict-place"));
    }
  }

  // An older answer must not stay where another image could not be read.
  clear() {
    const { bench } = this;
    this.file = this.shown = undefined;
    bench.find(".verdict-place").innerHTML = '<div class="verdict empty"><p>No answer.</p></div>';
    for (const place of [".forced-place", ".details-place", ".at-prevalence"]) bench.find(place).replaceChildren();
    bench.all(NEEDS_ANSWER).forEach((button) => { button.disabled = true; });
    bench.find(".comparison").hidden = true;
    this.covering.clear();
    this.view.clear();
    bench.find(".canvas").setAttribute("aria-label", "No picture");
  }

  // Says what the guard saw in place of an answer, and offers one that carries the warning.
  async refused(file, { message }) {
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
      bench.attempt(() => this.answer(() => [file], true, bench.newWait()));
    });
    card.replaceChildren(heading, reason, button);
    card.classList.add("refused");
    bench.tell(`Not read. ${message}`);
  }

  draw() {
    const { bench } = this;
    const { card, forced, details, spoken, answer, scale, box, image } = this.shown;
    bench.find(".verdict-place").innerHTML = card;
    bench.find(".forced-place").innerHTML = forced;
    bench.find(".details-place").innerHTML = details;
    bench.find(".canvas").setAttribute("aria-label", spoken);
    bench.all(NEEDS_ANSWER).forEach((button) => { button.disabled = false; });
    bench.find(".copy-link").disabled = bench.number === undefined;
    bench.find(".comparison").hidden = true;
    this.covering.paint(false);
    this.covering.clear();
    this.view.show({ picture: image, cells: answer.heatmap.values, scale, box });
    this.settings.show();
    if (!this.guessing.hide(bench.config.finding, bench.number !== undefined, answer)) bench.tell(spoken);
  }
}
