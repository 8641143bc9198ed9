// One tab: examples and files on top, the evidence beside the card, what is folded below.
import { EvidenceView } from "../../../ui/web/evidence.js";
import { withLegend } from "../../../ui/web/layers.js";
import { ScaleQuestion, unknownScale } from "../../../ui/web/scale_question.js";
import { DOMAINS, MODELS, NotAnswered, WORDS, type Domain, type DomainName, type Example } from "../core/words";
import { cardHtml, detailsHtml, escaped, forcedHtml, spoken } from "./card";
import { answer, prepare } from "./engine";
import { Batch } from "./batch";
import { reportHtml } from "./report";
import { save } from "./saving";
import type { Given } from "../core/answer";
import type { Reading } from "../core/patches";

export class Tab {
  private readonly words: Domain;
  private readonly view: EvidenceView;
  private readonly batch: Batch;
  private asked = 0;
  private file?: File;
  private reading: Reading = {};
  private size?: [number, number]; // of the picture that got no answer
  private given?: Given;
  private runsOn = "";

  constructor(private readonly panel: HTMLElement, domain: DomainName, private readonly footer: HTMLElement) {
    this.words = DOMAINS[domain];
    panel.innerHTML = html(this.words, domain);
    this.view = new EvidenceView(this.find("canvas"), this.find(".readout"), () => {});
    const hasScale = Boolean(MODELS[this.words.models[0]].region);
    this.batch = new Batch(this.find(".batch"), hasScale, () => this.model.name, (file, reading) => this.ask(file, reading));
    this.listen();
    if (this.words.examples.length) this.open(0);
  }

  /** Reads one file, or several into a table. */
  take(files: File[]): void {
    if (files.length > 1) this.batch.read(files);
    else if (files.length) this.ask(files[0]);
  }

  private find<Found extends HTMLElement>(selector: string): Found {
    return this.panel.querySelector<Found>(selector)!;
  }

  private get model() {
    return MODELS[this.find<HTMLSelectElement>(".model").value];
  }

  private listen(): void {
    this.find(".strip").addEventListener("click", (event) => {
      const thumb = (event.target as HTMLElement).closest<HTMLElement>(".thumb");
      if (thumb) this.open(Number(thumb.dataset.example));
    });
    const input = this.find<HTMLInputElement>(".file");
    this.find(".choose").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.take([...(input.files ?? [])]);
      input.value = "";
    });
    this.find(".model").addEventListener("change", () => this.file && this.ask(this.file, this.reading));
    this.find(".opacity").addEventListener("input", (event) =>
      this.view.set({ opacity: Number((event.target as HTMLInputElement).value) / 100 }));
    for (const name of ["grey", "cells", "contours", "lungs"]) {
      this.panel.querySelector(`input.${name}`)?.addEventListener("change", (event) =>
        this.view.set({ [name]: (event.target as HTMLInputElement).checked }));
    }
    this.find(".in").addEventListener("click", () => this.view.zoomBy(1.5));
    this.find(".out").addEventListener("click", () => this.view.zoomBy(1 / 1.5));
    this.find(".fit").addEventListener("click", () => this.view.reset());
    this.find(".save-json").addEventListener("click", () =>
      this.given && save(`${this.file!.name}.json`, new Blob([JSON.stringify(this.given.json, null, 1)], { type: "application/json" })));
    this.find(".save-picture").addEventListener("click", () => this.savePicture());
    this.find(".save-report").addEventListener("click", () => this.saveReport());
    this.find(".verdict-place").addEventListener("click", (event) => {
      const target = event.target as HTMLElement;
      if (target.closest(".anyway")) this.ask(this.file!, this.reading, true);
      if (target.closest(".another-scale")) this.askScale("Choose another scale.");
    });
  }

  private async open(number: number): Promise<void> {
    const example = this.words.examples[number];
    const asked = this.asked;
    const response = await fetch(example.file).catch(() => undefined);
    if (asked !== this.asked) return; // something else was chosen meanwhile
    if (response?.ok) this.ask(new File([await response.blob()], example.name));
    else this.refuse(new NotAnswered("That example cannot be reached: go online once."));
  }

  private async ask(file: File, reading: Reading = {}, anyway = false): Promise<void> {
    const turn = (this.asked += 1);
    [this.file, this.reading] = [file, reading];
    this.find(".workbench").setAttribute("aria-busy", "true");
    try {
      const { model } = this;
      this.runsOn = await prepare(model.name);
      const given = await answer({ file, model: model.name, anyway, reading });
      if (turn === this.asked) this.show(given, this.words.examples.find(({ sha256 }) => sha256 === given.json.image_sha256));
    } catch (error) {
      if (turn === this.asked) this.refuse(error as Error);
    } finally {
      if (turn === this.asked) this.find(".workbench").removeAttribute("aria-busy");
    }
  }

  private show(given: Given, example?: Example): void {
    const { json } = (this.given = given);
    const model = MODELS[json.model.name];
    this.find(".verdict-place").innerHTML = cardHtml(json, model, example);
    this.find(".forced-place").innerHTML = forcedHtml(json, model);
    this.find(".details-place").innerHTML = detailsHtml(json, this.runsOn, example);
    this.find(".status").textContent = spoken(json);
    this.find("canvas").setAttribute("aria-label", spoken(json));
    this.footer.textContent = `Runs on this device (${this.runsOn}); no image leaves it.`;
    const box = model.region && model.region.labelled_centre_px / model.region.patch_px;
    this.view.show({ picture: drawn(given.picture), cells: json.heatmap.values, scale: model.heatmap.scale, box, outline: json.lungs?.outline });
    for (const button of this.panel.querySelectorAll<HTMLButtonElement>(".evidence > .saves button")) button.disabled = false;
    this.press(example);
  }

  private refuse(error: Error): void {
    const { code, picture, size } = error instanceof NotAnswered ? error : { code: "failed" as const, picture: undefined, size: undefined };
    const said = code === "failed" ? `Something went wrong: ${error.message}` : error.message;
    this.given = undefined;
    this.size = size;
    this.view.clear();
    if (picture) this.view.show({ picture: drawn(picture), cells: undefined, scale: undefined, box: undefined, outline: undefined });
    this.find("canvas").setAttribute("aria-label", picture ? "The picture that was not read" : "No picture");
    this.press();
    for (const place of [".forced-place", ".details-place"]) this.find(place).replaceChildren();
    for (const save of this.panel.querySelectorAll<HTMLButtonElement>(".evidence > .saves button")) save.disabled = true;
    if (code === "scale") {
      this.askScale(unknownScale(size!));
      return;
    }
    const title = { refused: "Not read", "not one patch": "Not one patch", file: "Not readable", failed: "No answer" }[code];
    const buttons = {
      refused: '<button type="button" class="anyway">Answer anyway</button>',
      "not one patch": '<button type="button" class="another-scale">Another scale</button>', file: "", failed: "",
    };
    this.find(".verdict-place").innerHTML = `<div class="verdict refused"><h2 class="decision">${title}</h2><p>${escaped(said)}</p>
      ${buttons[code]}<p class="disclaimer">${escaped(WORDS.disclaimer)}</p></div>`;
    this.find(".status").textContent = said;
  }

  // Asks at which magnification the picture was taken, in place of an answer.
  private askScale(why: string): void {
    const place = document.createElement("div");
    place.className = "slide-question";
    const question = new ScaleQuestion(place, ({ mpp, squash }: { mpp?: number; squash?: number }) =>
      this.ask(this.file!, { mpp, squash: Boolean(squash) }));
    this.find(".verdict-place").replaceChildren(place);
    this.find(".status").textContent = question.ask({ size: this.size, preview: undefined }, why);
    question.focus();
  }

  private press(example?: Example): void {
    this.panel.querySelectorAll(".thumb").forEach((thumb, n) =>
      thumb.setAttribute("aria-pressed", String(this.words.examples[n] === example)));
  }

  private savePicture(): void {
    if (!this.given) return;
    const { json } = this.given;
    const caption = [`${json.reading.text}: ${json.finding} ${(100 * json.probability).toFixed(1)} %, ${json.model.name}`, WORDS.disclaimer];
    withLegend(this.view, caption).toBlob((blob: Blob | null) => blob && save(`${this.file!.name}.evidence.png`, blob));
  }

  private saveReport(): void {
    if (!this.given) return;
    const { json } = this.given;
    const example = this.words.examples.find(({ sha256 }) => sha256 === json.image_sha256);
    const html = reportHtml(json, MODELS[json.model.name], this.view, example);
    save(`${this.file!.name}.report.html`, new Blob([html], { type: "text/html" }));
  }
}

function drawn(bitmap: ImageBitmap): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0);
  return canvas;
}

function html(words: Domain, domain: string): string {
  const thumbs = words.examples.map(({ thumbnail }, n) => `<button type="button" class="thumb" data-example="${n}" aria-pressed="false">
    <img src="${thumbnail}" alt="Example ${n + 1}" width="72" height="72"></button>`);
  const models = words.models.map((name) => {
    const { title, files } = MODELS[name];
    const size = files ? ` (${(files.bytes / 2 ** 20).toFixed(0)} MB)` : "";
    return `<option value="${name}">${escaped(title)}${size}</option>`;
  });
  const formats = `${WORDS.sentences.readable}, up to ${WORDS.limits.bytes / 2 ** 20} MB`;
  return `<section class="workbench ${domain}" aria-label="${escaped(words.tab)}">
    <div class="files"><div class="strip" role="group" aria-label="Examples">${thumbs.join("")}</div>
      <div class="drop"><button type="button" class="choose primary">Choose files</button>
        <input type="file" class="file visually-hidden" multiple tabindex="-1" aria-label="Image files">
        <p class="hint">or drop or paste them anywhere. <span class="formats">${formats}.</span>
          <span class="privacy">Read on this device: no image is sent.</span></p></div></div>
    <p class="question">${escaped(words.question)}</p>
    <div class="desk">
      <div class="verdict-place"><div class="verdict empty"><p>The answer appears here once the model is loaded.</p></div></div>
      <div class="evidence"><canvas class="canvas" tabindex="0" role="application" aria-roledescription="evidence map"
          aria-label="No picture yet"></canvas>
        <div class="legend" aria-hidden="true"><span>against</span><span class="scale"></span><span>for ${escaped(words.finding)}</span></div>
        <p class="readout" aria-live="polite">Point at a place, or use the arrow keys, for its evidence.</p>
        <div class="controls">
          <label>Map <input type="range" class="opacity" min="0" max="100" value="75" aria-label="Opacity of the map"></label>
          <label><input type="checkbox" class="grey"> grey picture</label>
          <label><input type="checkbox" class="cells"> model's cells</label>
          <label><input type="checkbox" class="contours"> contours</label>
          ${words.lungs ? '<label><input type="checkbox" class="lungs" checked> lungs</label>' : ""}
          <span class="zoom" role="group" aria-label="Zoom"><button type="button" class="out" aria-label="Zoom out">−</button>
            <button type="button" class="in" aria-label="Zoom in">+</button><button type="button" class="fit">Fit</button></span></div>
        <div class="saves"><button type="button" class="save-report" disabled>Save report</button>
          <button type="button" class="save-picture" disabled>Save picture</button>
          <button type="button" class="save-json" disabled>Save JSON</button></div>
        <div class="batch" hidden></div></div>
      <div class="folds">
        <label class="model-choice">Model <select class="model">${models.join("")}</select></label>
        <details class="settings"><summary>Forced decisions</summary><div class="forced-place" tabindex="0" role="group"
          aria-label="Forced decisions, scrolls sideways"></div></details>
        <details class="more"><summary>Details</summary><div class="details-place"></div></details></div>
    </div><p class="status visually-hidden" role="status"></p></section>`;
}
