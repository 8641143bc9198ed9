// Several files: a table with one row per file, which opens it, and everything as JSON or CSV.
import { SCALE_OPTIONS } from "../../../ui/web/scale_question.js";
import { WORDS, type NotAnswered } from "../core/words";
import { answer, prepare } from "./engine";
import { escaped, percent } from "./card";
import { save } from "./saving";
import type { Json } from "../core/answer";
import type { Reading } from "../core/patches";

interface Row { file: File; json?: Json; error?: string }

export class Batch {
  private rows: Row[] = [];
  private run = 0;
  private reading: Reading = {};

  /** `hasScale` tells whether the models read patches; `open` shows one file. */
  constructor(
    private readonly place: HTMLElement, hasScale: boolean, private readonly model: () => string,
    private readonly open: (file: File, reading: Reading) => void,
  ) {
    const scale = `<label>Scale <select class="stack-scale">${SCALE_OPTIONS}</select></label>`;
    place.innerHTML = `<p role="status"></p>${hasScale ? scale : ""}
      <div class="wide" tabindex="0" role="group" aria-label="Table, scrolls sideways"><table><thead><tr><th>File</th><th>Answer</th>
      <th>Probability</th><th>Notes</th></tr></thead><tbody></tbody></table></div>
      <div class="saves"><button type="button" class="batch-json">Save all as JSON</button>
      <button type="button" class="batch-csv">Save the table as CSV</button></div>`;
    place.querySelector(".stack-scale")?.addEventListener("change", ({ target }) => {
      const { mpp, squash } = JSON.parse((target as HTMLSelectElement).value || "{}");
      this.reading = { mpp, squash: Boolean(squash) };
      this.read(this.rows.map(({ file }) => file));
    });
    place.addEventListener("click", (event) => {
      const target = event.target as HTMLElement;
      const row = target.closest<HTMLElement>("[data-row]");
      if (row) this.open(this.rows[Number(row.dataset.row)].file, this.reading);
      else if (target.closest(".batch-json")) this.saveJson();
      else if (target.closest(".batch-csv")) this.saveCsv();
    });
  }

  /** Reads the files one after the other; a new choice of files replaces what is left of this one. */
  async read(files: File[]): Promise<void> {
    const run = (this.run += 1);
    const [model, reading] = [this.model(), this.reading];
    this.rows = files.map((file) => ({ file }));
    this.draw();
    for (const row of this.rows) {
      try {
        await prepare(model);
        const { json, picture } = await answer({ file: row.file, model, anyway: false, reading });
        picture.close();
        row.json = json;
      } catch (error) {
        row.error = (error as Error).message;
        (error as NotAnswered).picture?.close();
      }
      if (run !== this.run) return;
      this.draw();
    }
    if (files.length) this.open(files[0], reading);
  }

  private draw(): void {
    const done = this.rows.filter((row) => row.json || row.error).length;
    const rows = this.rows.map(({ file, json, error }, n) => `<tr><th scope="row"><button type="button" data-row="${n}">${
      escaped(file.name)}</button></th><td>${json ? escaped(json.reading.text) : error ? "no answer" : "…"}</td>
      <td>${json ? percent(json.probability) : ""}</td><td>${escaped(error ?? json?.notes.join(" ") ?? "")}</td></tr>`);
    this.place.hidden = false;
    this.place.querySelector("[role=status]")!.textContent = `${done} of ${this.rows.length} files read.`;
    this.place.querySelector("tbody")!.innerHTML = rows.join("");
  }

  private saveJson(): void {
    const answers = this.rows.map(({ file, json, error }) => ({ file: file.name, ...(json ?? { error }) }));
    save("overread.json", new Blob([JSON.stringify(answers, null, 1)], { type: "application/json" }));
  }

  private saveCsv(): void {
    const head = ["file", "reading", "probability", "log_odds", "model", "notes", "error", "disclaimer"];
    const lines = this.rows.map(({ file, json, error }) => [file.name, json?.reading.text, json?.probability, json?.log_odds,
      json?.model.name, json?.notes.join(" "), error, WORDS.disclaimer]);
    save("overread.csv", new Blob([[head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n")], { type: "text/csv" }));
  }
}

// A spreadsheet takes text that starts with = + - or @ for a formula.
function cell(value: string | number | undefined): string {
  const text = typeof value === "string" && /^[=+\-@\t]/.test(value) ? `'${value}` : String(value ?? "");
  return `"${text.replaceAll('"', '""')}"`;
}
