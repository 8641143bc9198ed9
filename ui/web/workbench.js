// One tab: an image comes in, its answer and evidence are shown; settings only redraw, they never ask again.

import { EvidenceView } from "./evidence.js";
import { acceptFiles } from "./files.js";
import { Guessing } from "./guessing.js";
import { asHex, strongestCells } from "./heatmap.js";
import { NotAnswered, ask, exampleFile, root } from "./requests.js";
import { npy, programs, save } from "./saving.js";

const WIDE = window.matchMedia("(min-width: 900px)");
const NEEDS_ANSWER = ".asks button, .saves button";
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

class Workbench {
  constructor(element) {
    this.element = element;
    this.config = JSON.parse(element.dataset.config);
    this.view = new EvidenceView(this.find("canvas"), this.find(".readout"), () => this.paintedChanged());
    this.guessing = new Guessing(this.find(".verdict-place"), () => this.tell(this.shown.spoken));
    this.listen();
    acceptFiles(element, (file) => this.take(file));
    this.start();
  }

  find(selector) { return this.element.querySelector(selector); }
  all(selector) { return [...this.element.querySelectorAll(selector)]; }
  on(selector, event, work) { this.all(selector).forEach((found) => found.addEventListener(event, () => work(found))); }
  get model() { return this.find(".model").value; }
  get query() {
    return { domain: this.config.domain, model: this.model, ...(this.anyway ? { anyway: 1 } : {}) };
  }

  start() {
    const wanted = new URLSearchParams(location.search);
    const here = (wanted.get("tab") ?? this.config.first) === this.config.domain;
    if (here && this.config.models.includes(wanted.get("model"))) this.find(".model").value = wanted.get("model");
    const number = here ? Number(wanted.get("example")) : 1;
    this.example(this.config.examples[number - 1] ? number - 1 : 0, false);
  }

  listen() {
    this.on(".thumb", "click", (thumb) => this.example(Number(thumb.dataset.example), true));
    this.on(".choose", "click", () => this.find(".file").click());
    this.on(".file", "change", (input) => {
      if (input.files[0]) this.take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
    this.on(".opacity", "input", (slider) => this.view.set({ opacity: slider.value / 100 }));
    for (const name of ["brightness", "contrast"]) {
      this.on(`.${name}`, "input", (slider) => this.view.set({ [name]: Number(slider.value) }));
    }
    for (const name of ["grey", "cells", "contours"]) {
      this.on(`input.${name}`, "change", (box) => this.view.set({ [name]: box.checked }));
    }
    this.on(".zoom .in", "click", () => this.view.zoomBy(1.5));
    this.on(".zoom .out", "click", () => this.view.zoomBy(1 / 1.5));
    this.on(".zoom .fit", "click", () => this.view.reset());
    this.on(".model", "change", () => { this.showAddress(); if (this.file) this.answer(true); });
    this.on(".point", "change", () => this.showForced());
    this.on(".prevalence", "input", () => this.showPrevalence());
    this.on(".guess", "change", (box) => this.guessing.switch(box.checked));
    this.on(".cover", "click", () => this.cover());
    this.on(".paint", "click", (button) => this.paint(button.getAttribute("aria-pressed") !== "true"));
    this.on(".uncover", "click", () => this.uncover());
    this.on(".compare", "click", () => this.compare());
    this.on(".save-json", "click", () => this.saveJson());
    this.on(".save-map", "click", () => save(npy(this.shown.answer.heatmap.values), `${this.name}-map.npy`));
    this.on(".save-overlay", "click", () => this.saveOverlay());
    this.on(".save-report", "click", () => this.saveReport());
    this.on(".copy-link", "click", () => this.copy(this.link(), "Link copied."));
    for (const language of ["python", "curl", "javascript"]) {
      this.on(`.copy-${language}`, "click", () => this.copy(this.program(language), `${language} copied.`));
    }
  }

  async example(index, asked) {
    this.number = index + 1;
    this.mark(index);
    if (asked) this.showAddress();
    const { file } = this.config.examples[index];
    this.anyway = false;
    await this.answer(asked, () => exampleFile(file));
  }

  async take(file) {
    this.number = undefined;
    this.mark(-1);
    this.showAddress();
    this.anyway = false;
    await this.answer(true, async () => file);
  }

  mark(index) {
    this.all(".thumb").forEach((thumb, number) => thumb.setAttribute("aria-pressed", String(number === index)));
    this.find(".choose").textContent = index < 0 ? "Replace" : "Choose a file";
  }

  // Asks about a file, or the one at hand; a newer question ends the wait for an older one.
  async answer(asked, open = async () => this.file) {
    this.waiting?.abort();
    this.waiting = new AbortController();
    const { signal } = this.waiting;
    let file;
    const answered = await this.attempt(async () => {
      file = await open();
      const found = await (await ask("answer", this.query, file, signal)).json();
      const picture = await loaded(found.picture);
      if (signal.aborted) return;
      this.file = file;
      this.shown = { ...found, image: picture };
      this.draw();
      if (asked) this.showVerdict();
    });
    if (answered || signal.aborted) return;
    this.clear();
    if (this.refusal) this.showRefusal(file);
    if (asked) this.showVerdict();
  }

  showVerdict() {
    const block = WIDE.matches ? "nearest" : "start";
    this.find(".verdict-place").scrollIntoView({ behavior: STILL.matches ? "auto" : "smooth", block });
  }

  // Runs work and returns whether it was done; what fails is said.
  async attempt(work) {
    this.element.setAttribute("aria-busy", "true");
    const error = this.find(".error");
    error.hidden = true;
    this.refusal = undefined;
    try {
      await work();
    } catch (failure) {
      if (failure.name === "AbortError") return false;
      this.refusal = failure.code === "refused_image" ? failure.message : undefined;
      error.textContent = failure instanceof NotAnswered ? failure.message : "Something went wrong on this page.";
      error.hidden = false;
      if (!(failure instanceof NotAnswered)) console.error(failure);
      this.element.removeAttribute("aria-busy");
      return false;
    }
    this.element.removeAttribute("aria-busy");
    return true;
  }

  // An older answer must not stay where another image could not be read.
  clear() {
    this.file = this.shown = undefined;
    this.find(".verdict-place").innerHTML = '<div class="verdict empty"><p>No answer.</p></div>';
    for (const place of [".forced-place", ".details-place", ".at-prevalence"]) this.find(place).replaceChildren();
    this.all(NEEDS_ANSWER).forEach((button) => { button.disabled = true; });
    this.find(".comparison").hidden = true;
    this.clearCover();
    this.view.clear();
    this.find("canvas").setAttribute("aria-label", "No picture");
  }

  // Says what the guard saw in place of an answer, and offers one that carries the warning.
  showRefusal(file) {
    const card = this.find(".verdict");
    const heading = document.createElement("h2");
    heading.textContent = "Not read";
    const reason = document.createElement("p");
    reason.textContent = this.refusal;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "anyway";
    button.textContent = "Answer anyway";
    button.addEventListener("click", () => {
      this.anyway = true;
      this.answer(true, async () => file);
    });
    card.replaceChildren(heading, reason, button);
    card.classList.add("refused");
    this.find(".error").hidden = true;
    this.tell(`Not read. ${this.refusal}`);
  }

  draw() {
    const { card, forced, details, spoken, answer, scale, box, image } = this.shown;
    this.find(".verdict-place").innerHTML = card;
    this.find(".forced-place").innerHTML = forced;
    this.find(".details-place").innerHTML = details;
    this.find("canvas").setAttribute("aria-label", spoken);
    this.all(NEEDS_ANSWER).forEach((button) => { button.disabled = false; });
    this.find(".copy-link").disabled = this.number === undefined;
    this.find(".comparison").hidden = true;
    this.paint(false);
    this.clearCover();
    this.view.show({ picture: image, cells: answer.heatmap.values, scale, box });
    this.showForced();
    this.showPrevalence();
    if (!this.guessing.hide(this.config.finding, this.number !== undefined, answer)) this.tell(spoken);
  }

  tell(text) { this.find(".status").textContent = text; }

  showForced() {
    const chosen = this.find(".point").value;
    this.all(".forced tr[data-point]").forEach((row) => row.classList.toggle("chosen", row.dataset.point === chosen));
    const row = chosen && this.find(`.forced tr[data-point="${chosen}"]`);
    let line = this.find(".verdict .forced-line");
    if (!line && this.find(".verdict .badges")) {
      line = document.createElement("span");
      line.className = "badge forced-line";
      this.find(".verdict .badges").append(line);
    }
    if (line) {
      line.hidden = !row;
      line.textContent = row ? `forced at ${chosen}: ${row.querySelector("b").textContent}` : "";
    }
  }

  // PPV and NPV at the visitor's prevalence, by Bayes' rule from what was measured on test data.
  showPrevalence() {
    const share = Number(this.find(".prevalence").value) / 100;
    const valid = share > 0 && share < 1;
    const percent = (value) => (valid && Number.isFinite(value) ? `${Math.round(100 * value)} %` : "-");
    this.all(".forced tr[data-sensitivity]").forEach((row) => {
      const [sensitivity, specificity] = [Number(row.dataset.sensitivity), Number(row.dataset.specificity)];
      const [hit, alarm] = [sensitivity * share, (1 - specificity) * (1 - share)];
      const [clear, miss] = [specificity * (1 - share), (1 - sensitivity) * share];
      row.querySelector(".ppv").textContent = percent(hit / (hit + alarm));
      row.querySelector(".npv").textContent = percent(clear / (clear + miss));
    });
    const { shareWith, shareWithout } = this.find(".verdict")?.dataset ?? {};
    const [yes, no] = [Number(shareWith) * share, Number(shareWithout) * (1 - share)];
    this.find(".at-prevalence").textContent = valid && shareWith !== undefined && yes + no > 0
      ? `Where ${this.find(".prevalence").value} of 100 have it, of 100 with this answer ${Math.round((100 * yes) / (yes + no))} had ${this.config.finding}.`
      : "";
  }

  paint(on) {
    this.view.painting = on;
    this.find(".paint").setAttribute("aria-pressed", String(on));
    if (!on) this.view.painted.clear();
    this.paintedChanged();
    this.view.draw();
    this.find("canvas").classList.toggle("painting", on);
  }

  paintedChanged() {
    this.find(".cover").textContent = this.view.painted.size ? "Cover the painted cells" : "Cover it and ask again";
  }

  async cover() {
    const { answer } = this.shown;
    const values = answer.heatmap.values;
    const total = values.flat().reduce((sum, value) => sum + value, 0);
    const sign = answer.positive || total > 0 ? 1 : -1;
    const chosen = this.view.painted.size ? this.view.painted : strongestCells(values, sign);
    const count = values.length * values[0].length;
    await this.attempt(async () => {
      const query = { ...this.query, cells: asHex(chosen, count) };
      const found = await (await ask("cover", query, this.file)).json();
      const picture = await loaded(found.picture);
      this.paint(false);
      this.view.show({ picture, cells: found.heatmap, scale: found.scale, box: this.shown.box, keepView: true });
      this.find(".cover-result").textContent = found.sentence;
      this.find(".uncover").hidden = false;
    });
  }

  clearCover() {
    this.find(".cover-result").textContent = "";
    this.find(".uncover").hidden = true;
  }

  uncover() {
    const { image, answer, scale, box } = this.shown;
    this.clearCover();
    this.view.show({ picture: image, cells: answer.heatmap.values, scale, box, keepView: true });
    this.find(".cover").focus();
  }

  async compare() {
    const place = this.find(".comparison");
    place.replaceChildren();
    place.hidden = false;
    await this.attempt(async () => {
      for (const model of this.config.models) {
        const found = await (await ask("answer", { ...this.query, model }, this.file)).json();
        place.append(await comparedModel(model, found));
      }
    });
    this.tell(`${this.config.models.length} models compared.`);
  }

  get name() { return (this.file?.name ?? "picture").replace(/\.[^.]*$/, "") || "picture"; }

  saveJson() {
    save(new Blob([JSON.stringify(this.shown.answer, null, 2)], { type: "application/json" }), `${this.name}.json`);
  }

  saveOverlay() {
    const { answer, percent, reading } = this.shown;
    const caption = [
      `${reading}: ${percent} probability of ${answer.finding}. ${answer.model.name}, image ${answer.image_sha256.slice(0, 12)}`,
      `Full colour is ${this.shown.scale.toFixed(2)} log-odds in a cell. ${answer.disclaimer}`,
    ];
    this.view.withLegend(caption).toBlob((blob) => save(blob, `${this.name}-evidence.png`));
  }

  async saveReport() {
    await this.attempt(async () => {
      const response = await ask("report", { ...this.query, point: this.find(".point").value }, this.file);
      save(await response.blob(), `${this.name}-report.pdf`);
    });
  }

  link() {
    const parameters = { tab: this.config.domain };
    if (this.number !== undefined) parameters.example = this.number;
    if (this.model !== this.config.models[0]) parameters.model = this.model;
    return `${location.origin}${location.pathname}?${new URLSearchParams(parameters)}`;
  }

  showAddress() { history.replaceState(history.state, "", this.link()); }

  program(language) {
    return programs({
      address: root(),
      endpoint: this.config.endpoint,
      point: this.find(".point").value || this.shown?.answer.operating_point.name || "",
      model: this.model,
      file: this.file?.name ?? "picture.png",
    })[language];
  }

  async copy(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      this.tell(said);
    } catch { // a page that was not opened over https may not write to the clipboard
      window.prompt("Copy this:", text);
    }
    this.copied = text;
  }
}

async function loaded(url) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}

async function comparedModel(model, found) {
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${model}. ${found.spoken}`);
  const caption = document.createElement("figcaption");
  const name = document.createElement("b");
  name.textContent = model;
  caption.append(name, document.createElement("br"), `${found.reading}, ${found.percent}`);
  figure.append(canvas, caption);
  const view = new EvidenceView(canvas, caption, () => {});
  view.select = () => {}; // a small map is looked at, not read cell by cell
  view.show({
    picture: await loaded(found.picture), cells: found.answer.heatmap.values, scale: found.scale, box: found.box,
  });
  return figure;
}

// Opens the tab that a link names, then makes the workbench.
export function mount(element) {
  const wanted = new URLSearchParams(location.search).get("tab");
  if (wanted && !window.overreadOpened) {
    window.overreadOpened = true;
    const names = JSON.parse(element.dataset.config).tabs;
    [...document.querySelectorAll("button[role=tab]")].find((tab) => tab.textContent.trim() === names[wanted])?.click();
  }
  if (element.workbench) return;
  element.workbench = new Workbench(element);
}
