// One tab: files come in and go to the taker that shows them; what all takers share is here.

import { acceptFiles } from "./files.js";
import { NotAnswered, exampleFile } from "./requests.js";
import { takers } from "./takers.js";

const WIDE = window.matchMedia("(min-width: 900px)");
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Workbench {
  constructor(element) {
    this.element = element;
    this.config = JSON.parse(element.dataset.config);
    this.made = {};
    this.listen();
    acceptFiles(element, (files) => this.take(files));
    this.start();
  }

  find(selector) { return this.element.querySelector(selector); }
  all(selector) { return [...this.element.querySelectorAll(selector)]; }
  on(selector, event, work) { this.all(selector).forEach((found) => found.addEventListener(event, () => work(found))); }
  get model() { return this.find(".model").value; }

  start() {
    const wanted = new URLSearchParams(location.search);
    const here = (wanted.get("tab") ?? this.config.first) === this.config.domain;
    if (here && this.config.models.some(({ name }) => name === wanted.get("model"))) {
      this.find(".model").value = wanted.get("model");
    }
    this.showModel();
    const number = here ? Number(wanted.get("example")) : 1;
    if (this.config.examples.length) this.example(this.config.examples[number - 1] ? number - 1 : 0, false);
  }

  listen() {
    this.on(".thumb", "click", (thumb) => this.example(Number(thumb.dataset.example), true));
    this.on(".choose", "click", () => this.find(".file").click());
    this.on(".file", "change", (input) => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again
      if (files.length) this.take(files);
    });
    this.on(".model", "change", () => {
      this.showModel();
      this.showAddress();
      this.taker?.modelChanged?.();
    });
  }

  // Shows an example of this tab, the first of which is number 1 in links.
  async example(index, asked) {
    this.number = index + 1;
    this.mark(index);
    if (asked) this.showAddress();
    const { file } = this.config.examples[index];
    await this.give("picture", async () => [await exampleFile(file)], asked);
  }

  // Shows a visitor's own files; `by` names the taker where that is known, such as "picture" for a patch of a slide.
  async take(files, { by } = {}) {
    this.number = undefined;
    this.mark(-1);
    this.showAddress();
    const name = by ?? takers.find((taker) => taker.wants(files, this.config)).name;
    await this.give(name, () => files, true);
  }

  // Hands the files that `open` returns to a taker; a newer question ends the wait for an older one.
  async give(name, open, asked) {
    const signal = this.newWait();
    await this.attempt(async () => {
      this.made[name] ??= await takers.find((taker) => taker.name === name).make(this);
      if (signal.aborted) return;
      if (this.taker !== this.made[name]) {
        this.taker?.hide();
        this.taker = this.made[name];
        const shown = this.stage(name); // first: it may have to be made
        this.all(".stage").forEach((stage) => { stage.hidden = stage !== shown; });
      }
      await this.taker.show(open, { asked, signal });
    });
  }

  // Ends the wait for an older answer and returns the signal of the new one.
  newWait() {
    this.waiting?.abort();
    this.waiting = new AbortController();
    return this.waiting.signal;
  }

  // Returns the place where a taker shows its files.
  stage(name) {
    const found = this.find(`.stage[data-taker="${name}"]`);
    if (found) return found;
    const stage = document.createElement("div");
    Object.assign(stage, { className: "stage", hidden: true });
    stage.dataset.taker = name;
    this.find(".stages").append(stage);
    return stage;
  }

  mark(index) {
    this.all(".thumb").forEach((thumb, number) => thumb.setAttribute("aria-pressed", String(number === index)));
    this.find(".choose").textContent = index < 0 ? "Replace" : "Choose a file";
  }

  showModel() {
    const { summary } = this.config.models.find(({ name }) => name === this.model);
    this.find(".model-summary").textContent = summary;
  }

  // Runs work and returns undefined if it was done, else what went wrong, after it was said.
  async attempt(work) {
    this.element.setAttribute("aria-busy", "true");
    this.say("");
    try {
      await work();
    } catch (failure) {
      if (failure.name === "AbortError") return failure; // whoever ended the wait is at work now
      this.element.removeAttribute("aria-busy");
      this.say(failure instanceof NotAnswered ? failure.message : "Something went wrong on this page.");
      if (!(failure instanceof NotAnswered)) console.error(failure);
      return failure;
    }
    this.element.removeAttribute("aria-busy");
    return undefined;
  }

  // Shows one sentence as an error; "" takes it away.
  say(error) {
    this.find(".error").textContent = error;
    this.find(".error").hidden = !error;
  }

  // Says something to a screen reader.
  tell(text) { this.find(".status").textContent = text; }

  scrollTo(element) {
    element.scrollIntoView({ behavior: STILL.matches ? "auto" : "smooth", block: WIDE.matches ? "nearest" : "start" });
  }

  link() {
    const parameters = { tab: this.config.domain };
    if (this.number !== undefined) parameters.example = this.number;
    if (this.model !== this.config.models[0].name) parameters.model = this.model;
    return `${location.origin}${location.pathname}?${new URLSearchParams(parameters)}`;
  }

  showAddress() { history.replaceState(history.state, "", this.link()); }

  async copy(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      this.tell(said);
    } catch { // a page that was not opened over https may not write to the clipboard
      window.prompt("Copy this:", text);
    }
  }
}

// Opens the tab that a link names, then makes the workbench.
export function mount(element) {
  const wanted = new URLSearchParams(location.search).get("tab");
  if (wanted && !window.overreadOpened) {
    window.overreadOpened = true;
    const names = JSON.parse(element.dataset.config).tabs;
    const tabs = document.querySelectorAll("button[role=tab], .overflow-dropdown button"); // a phone has a menu of tabs
    [...tabs].find((tab) => tab.textContent.trim() === names[wanted])?.click();
  }
  if (element.workbench) return;
  element.workbench = new Workbench(element);
}
