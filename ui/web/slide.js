// A field of view or a slide: its scale is asked for where the file does not say it, what a scan would do is said, and
// then it is scanned and shown.

import { ask, root } from "./requests.js";
import { ScaleQuestion, unknownScale } from "./scale_question.js";
import { address, forget, scan } from "./slide_requests.js";
import { SlideFindings } from "./slide_findings.js";
import { SlideViewer } from "./slide_viewer.js";

export class SlideTaker {
  constructor(bench) {
    this.bench = bench;
    window.addEventListener("pagehide", () => this.leave());
  }

  find(selector) { return this.stage.querySelector(selector); }
  on(selector, event, work) { this.find(selector).addEventListener(event, work); }

  async show(open, { asked, signal }) {
    const [file] = await open();
    this.back?.remove();
    await this.build();
    if (file === this.file && this.key) return; // back from one of its patches
    this.leave();
    this.file = file;
    await this.send(false, signal);
    if (asked) this.bench.scrollTo(this.stage);
  }

  // Another taker shows something now: the scan stops, the slide stays for a way back.
  hide() {
    this.running?.abort();
    if (!this.key) return;
    this.back = document.createElement("button");
    Object.assign(this.back, { type: "button", className: "slide-back", textContent: "Back to the slide" });
    this.back.addEventListener("click", () => this.bench.give("slide", () => [this.file], true));
    this.bench.find(".stages").before(this.back);
  }

  modelChanged() {
    if (this.key && this.planned) this.plan(this.mpp);
  }

  // Deletes the slide on the server.
  leave() {
    this.running?.abort();
    if (this.key) forget(this.key);
    this.viewer?.close();
    Object.assign(this, { key: undefined, planned: undefined, mpp: undefined });
  }

  async build() {
    if (this.stage) return;
    this.stage = this.bench.stage("slide");
    this.stage.innerHTML = await (await fetch(`${root()}/web/slide.html`)).text();
    this.viewer = new SlideViewer(this.find(".slide-viewer"), this.find(".slide-scale-bar"), (x, y) => this.findings.readAt(x, y));
    this.findings = new SlideFindings(this);
    this.on(".slide-layer", "change", ({ target }) => this.viewer.set({ layer: target.value }));
    this.on(".slide-opacity", "input", ({ target }) => this.viewer.set({ opacity: target.value / 100 }));
    this.on(".slide-outline", "change", ({ target }) => this.viewer.set({ outline: target.checked }));
    this.on(".slide-zoom-in", "click", () => this.viewer.zoomBy(1.5));
    this.on(".slide-zoom-out", "click", () => this.viewer.zoomBy(1 / 1.5));
    this.on(".slide-fit", "click", () => this.viewer.fit());
    this.on(".slide-start", "click", () => this.scan());
    this.on(".slide-cancel", "click", () => this.running?.abort());
    this.on(".slide-rescale", "click", () => this.ask({ size: this.planned.size }, "Choose another scale."));
    this.question = new ScaleQuestion(this.find(".slide-question"), (reading) =>
      (reading.squash ? this.asPicture(reading) : this.plan(reading.mpp)));
  }

  async send(anyway, signal) {
    const { bench, file } = this;
    this.find(".slide-question").hidden = this.find(".slide-desk").hidden = true;
    bench.tell("The file is sent and looked through.");
    const query = { model: bench.model, name: file.name, ...(anyway ? { anyway: 1 } : {}) };
    let said;
    try {
      said = await (await ask("slide", query, file, signal)).json();
    } catch (failure) {
      if (failure.code !== "refused_image") throw failure;
      this.refused(failure.message);
      return;
    }
    if (said.kind === "patch") {
      await this.asPicture(said.mpp ? { mpp: said.mpp } : {});
      return;
    }
    this.key = said.key;
    if (said.kind === "plan") await this.showPlan(said);
    else this.ask(said, unknownScale(said.size));
  }

  // Answers the file as one picture, read as `reading` says: { mpp } or { squash }.
  async asPicture(reading) {
    const { file } = this;
    file.reading = reading;
    this.leave();
    await this.bench.take([file], { by: "picture" });
  }

  refused(reason) {
    this.ask({}, `${reason} If it is stained tissue all the same, say its scale.`);
    this.question.enable(false);
    const anyway = document.createElement("button");
    Object.assign(anyway, { type: "button", className: "slide-anyway", textContent: "It is tissue" });
    anyway.addEventListener("click", () => {
      anyway.remove();
      const signal = this.bench.newWait();
      this.bench.attempt(() => this.send(true, signal));
    });
    this.find(".slide-why").after(anyway);
  }

  ask(shown, why) {
    this.find(".slide-anyway")?.remove();
    this.bench.tell(this.question.ask(shown, why));
    this.question.focus();
  }

  async plan(mpp) {
    const { bench } = this;
    this.running?.abort();
    this.mpp = mpp;
    const signal = bench.newWait();
    await bench.attempt(async () => {
      const query = { model: bench.model, ...(mpp ? { mpp } : {}) };
      const said = await (await ask(`slide/${this.key}/plan`, query, undefined, signal)).json();
      if (said.kind === "patch") await this.asPicture({ mpp: said.mpp });
      else await this.showPlan(said);
    });
  }

  async showPlan(said) {
    const before = this.planned;
    this.planned = said;
    this.find(".slide-question").hidden = true;
    this.find(".slide-desk").hidden = false;
    this.findings.clear();
    this.find(".slide-sentence").textContent = said.sentence;
    this.find(".slide-notes").replaceChildren(...said.notes.map((text, index) => Object.assign(document.createElement("p"), {
      textContent: text, className: said.doubtful && index === 0 ? "warning" : "",
    })));
    const start = this.find(".slide-start");
    start.textContent = said.doubtful ? "Scan anyway" : "Scan";
    start.disabled = said.patches === 0;
    if (before && this.viewer.viewer) await this.viewer.clearMaps();
    else await this.viewer.open(address(this.key), said.size, said.um_per_px[0]);
    this.viewer.mpp = said.um_per_px[0];
    this.viewer.drawBar();
    this.bench.tell(said.sentence);
    start.focus({ preventScroll: true });
  }

  async scan() {
    const { bench } = this;
    this.running = new AbortController();
    const { signal } = this.running;
    this.busy(true);
    const failed = await bench.attempt(async () => {
      const result = await scan(this.key, {}, (progress) => this.showProgress(progress), signal);
      await this.viewer.showMaps(result);
      this.findings.show(result);
    });
    this.busy(false);
    if (failed?.name === "AbortError" || signal.aborted) {
      bench.element.removeAttribute("aria-busy");
      bench.tell("The scan was stopped.");
    }
  }

  busy(on) {
    this.find(".slide-progress").hidden = !on;
    this.find(".slide-cancel").hidden = !on;
    this.find(".slide-start").hidden = on;
    this.find(".slide-rescale").hidden = on;
    if (on) {
      this.showProgress({ waiting: true });
      this.find(".slide-cancel").focus({ preventScroll: true });
    }
  }

  showProgress({ done, total, remaining }) {
    const share = total ? done / total : 0;
    this.find("progress").value = share;
    this.find(".slide-remaining").textContent = total
      ? `${done} of ${total} patches${remaining === null ? "" : `, about ${duration(remaining)} left`}`
      : "It starts as soon as no other scan runs.";
  }
}

function duration(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}
