// Many pictures, or a zip of them: one after the other is read, and a table shows what became of each.

import { ask } from "./requests.js";
import { save } from "./saving.js";
import { asCsv, asJson } from "./saving_stacks.js";
import { SCALE_OPTIONS } from "./scale_question.js";
import { StackTable } from "./stack_table.js";
import { isZip } from "./takers.js";

const LIMIT = 500;
const MAX_BYTES = 32 * 2 ** 20;
const AT_ONCE = 2; // one is sent while the other is read
const BUSY_SECONDS = 4;

export class StackTaker {
  constructor(bench) {
    this.bench = bench;
  }

  find(selector) { return this.stage.querySelector(selector); }

  async show(open, { asked }) {
    const files = await open();
    this.build();
    this.back?.remove();
    if (files) {
      this.stop();
      await this.start(files);
    } else this.modelChanged();
    if (asked) this.bench.scrollTo(this.stage);
  }

  // Another taker shows something now, such as the full answer of a row: the stack goes on, with a way back to it.
  hide() {
    const back = document.createElement("button");
    Object.assign(back, { type: "button", className: "stack-back", textContent: `Back to the stack (${this.rows.length})` });
    back.addEventListener("click", () => this.bench.give("stack", () => undefined, true));
    this.bench.find(".stages").before(back);
    this.back = back;
  }

  // What is asked about every picture.
  get query() {
    const scale = this.find(".stack-scale").value;
    return { domain: this.bench.config.domain, model: this.bench.model, ...(scale ? JSON.parse(scale) : {}) };
  }

  // Another model or scale was chosen: the rows stay, and can be read again.
  modelChanged() {
    if (this.asked) this.find(".stack-again").hidden = JSON.stringify(this.query) === JSON.stringify(this.asked);
  }

  build() {
    if (this.stage) return;
    this.stage = this.bench.stage("stack");
    this.stage.innerHTML = STAGE;
    this.table = new StackTable(this.find(".stack-table"), (row) => this.open(row));
    const on = (selector, event, work) => this.find(selector).addEventListener(event, work);
    on(".stack-stop", "click", () => (this.running ? this.stop() : this.run()));
    on(".stack-again", "click", () => this.again());
    on(".stack-scale", "change", () => this.modelChanged());
    this.find(".stack-scale-choice").hidden = !this.bench.config.scans;
    on(".stack-text", "input", ({ target }) => this.table.filter({ text: target.value }));
    on(".stack-which", "change", ({ target }) => this.table.filter({ which: target.value }));
    on(".stack-csv", "click", () => save(asCsv(this.rows), "overread.csv"));
    on(".stack-json", "click", () => save(asJson(this.rows), "overread.json"));
  }

  async start(files) {
    const { bench } = this;
    bench.tell("The stack is looked through.");
    const { pictures, problems } = await picturesIn(files);
    const rows = pictures.slice(0, LIMIT).map(({ name, file, problem }) => ({ name, file, ...(problem ? unread(problem) : {}) }));
    const left = pictures.length - rows.length;
    if (left > 0) {
      problems.push(`A stack holds up to ${LIMIT} pictures: the first ${LIMIT} are read, the rest is left out. The shell`
        + " reads any number: overread predict FOLDER --csv answers.csv");
    }
    this.rows = rows;
    this.find(".stack-problems").replaceChildren(...problems.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
    this.find(".stack-title").textContent = `${rows.length} picture${rows.length === 1 ? "" : "s"}`;
    this.table.show(rows, bench.config.finding);
    this.run();
  }

  again() {
    this.stop();
    for (const row of this.rows) if (row.file) row.found = undefined;
    this.table.show(this.rows, this.bench.config.finding);
    this.run();
  }

  // Reads the rows that have no answer yet, until all have one or somebody stops it.
  async run() {
    const { bench } = this;
    this.asked = this.query;
    this.modelChanged();
    this.running = new AbortController();
    const { signal } = this.running;
    const todo = this.rows.filter((row) => !row.found);
    const started = { at: performance.now(), count: todo.length };
    this.progress(started, todo);
    const readers = Array.from({ length: AT_ONCE }, async () => {
      while (todo.length && !signal.aborted) {
        const row = todo.shift();
        const found = await this.read(row, signal);
        if (signal.aborted) return;
        row.found = found;
        this.table.update(row);
        this.progress(started, todo);
      }
    });
    await Promise.all(readers);
    if (this.running?.signal !== signal) return; // another run has begun
    this.running = undefined;
    this.progress(started, todo);
    this.table.order();
    bench.tell(this.find(".stack-progress-text").textContent);
  }

  stop() {
    this.running?.abort();
    this.running = undefined;
    if (this.rows) this.progress();
  }

  // Returns what the server says of one picture; whatever goes wrong is its row's sentence.
  async read(row, signal) {
    try {
      const file = await row.file();
      if (file.size > MAX_BYTES) return unread(`The file is larger than ${MAX_BYTES / 2 ** 20} MB: send a smaller one.`).found;
      for (;;) {
        try {
          return await (await ask("row", this.asked, file, signal)).json();
        } catch (failure) {
          if (failure.code !== "busy") throw failure;
          await pause(BUSY_SECONDS, signal);
        }
      }
    } catch (failure) {
      return signal.aborted ? undefined : unread(failure.message).found;
    }
  }

  progress(started, todo) {
    const done = this.rows.filter((row) => row.found);
    const errors = done.filter(({ found }) => found.kind !== "answered").length;
    const parts = [`${done.length} of ${this.rows.length} read`];
    if (errors) parts.push(`${errors} without an answer`);
    if (this.running && started) {
      const now = started.count - todo.length;
      if (now > AT_ONCE) parts.push(`about ${remaining(((performance.now() - started.at) / now) * todo.length)} left`);
    } else if (done.length < this.rows.length) parts.push("stopped");
    this.find("progress").value = done.length;
    this.find("progress").max = this.rows.length || 1;
    this.find("progress").hidden = done.length === this.rows.length;
    this.find(".stack-progress-text").textContent = `${parts.join(", ")}.`;
    this.find(".stack-stop").hidden = done.length === this.rows.length;
    this.find(".stack-stop").textContent = this.running ? "Stop" : "Go on";
    for (const button of this.stage.querySelectorAll(".stack-saves button")) button.disabled = !done.length;
  }

  // Shows a row's full answer, with its evidence.
  async open(row) {
    await this.bench.attempt(async () => {
      const file = await row.file();
      const { mpp, squash } = this.asked;
      file.reading = { ...(mpp ? { mpp } : {}), ...(squash ? { squash } : {}) };
      await this.bench.take([file], { by: "picture" });
    });
  }
}

// Returns the pictures of files and zips, and sentences on zips that cannot be opened.
async function picturesIn(files) {
  const pictures = [];
  const problems = [];
  for (const file of files) {
    if (!isZip(file)) {
      pictures.push({ name: file.name, file: async () => file });
      continue;
    }
    const { zipPictures } = await import("./zip_pictures.js");
    try {
      const found = await zipPictures(file, LIMIT);
      if (!found.length) problems.push(`${file.name} holds no files.`);
      pictures.push(...found);
    } catch (error) {
      problems.push(error.message);
    }
  }
  return { pictures, problems };
}

// Returns the row of a picture that never reached the server.
function unread(sentence) {
  const row = { error: sentence };
  const document = { error: sentence, kind: "unreadable" };
  return { found: { row, document, kind: "unreadable", tone: "", percent: "", warnings: [sentence], notes: [], thumbnail: "" } };
}

function remaining(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const STAGE = `<section class="stack" aria-label="Stack of pictures">
  <div class="stack-head">
    <h2 class="stack-title"></h2>
    <p class="stack-progress-text"></p>
    <progress aria-label="Pictures read"></progress>
    <button type="button" class="stack-stop">Stop</button>
    <button type="button" class="stack-again" hidden>Read again</button>
  </div>
  <div class="stack-problems" role="status"></div>
  <div class="stack-tools">
    <label class="stack-scale-choice">Scale <select class="stack-scale">
      ${SCALE_OPTIONS}
    </select></label>
    <label>Show <select class="stack-which"></select></label>
    <label>File name <input type="search" class="stack-text" autocomplete="off"></label>
    <span class="stack-saves">
      <button type="button" class="stack-csv" disabled>Table (CSV)</button>
      <button type="button" class="stack-json" disabled>Answers (JSON)</button>
    </span>
  </div>
  <div class="stack-table"></div>
</section>`;
