// Several files: a table with one row per file, which opens it, and everything as JSON or CSV.
import { WORDS } from "../core/words";
import { answer, prepare } from "./engine";
import { escaped, percent } from "./card";
import { save } from "./saving";
import type { Json } from "../core/answer";

interface Row { file: File; json?: Json; error?: string }

export class Batch {
  private rows: Row[] = [];
  private run = 0;

  constructor(private readonly place: HTMLElement, private readonly open: (file: File) => void) {
    place.addEventListener("click", (event) => {
      const target = event.target as HTMLElement;
      const row = target.closest<HTMLElement>("[data-row]");
      if (row) this.open(this.rows[Number(row.dataset.row)].file);
      else if (target.closest(".batch-json")) this.saveJson();
      else if (target.closest(".batch-csv")) this.saveCsv();
    });
  }

  /** Reads the files one after the other; a new choice of files replaces what is left of this one. */
  async read(files: File[], model: string): Promise<void> {
    const run = (this.run += 1);
    this.rows = files.map((file) => ({ file }));
    this.draw();
    await prepare(model);
    for (const row of this.rows) {
      try {
        const { json, picture } = await answer({ file: row.file, model, anyway: false });
        picture.close();
        row.json = json;
      } catch (error) {
        row.error = (error as Error).message;
      }
      if (run !== this.run) return;
      this.draw();
    }
    if (files.length) this.open(files[0]);
  }

  private draw(): void {
    const done = this.rows.filter((row) => row.json || row.error).length;
    const rows = this.rows.map(({ file, json, error }, n) => `<tr><th scope="row"><button type="button" data-row="${n}">${
      escaped(file.name)}</button></th><td>${json ? escaped(json.reading.text) : error ? "no answer" : "…"}</td>
      <td>${json ? percent(json.probability) : ""}</td><td>${escaped(error ?? json?.notes.join(" ") ?? "")}</td></tr>`);
    this.place.hidden = false;
    this.place.innerHTML = `<p role="status">${done} of ${this.rows.length} files read.</p>
      <div class="wide" tabindex="0" role="group" aria-label="Table, scrolls sideways"><table><thead><tr><th>File</th><th>Answer</th>
      <th>Probability</th><th>Notes</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>
      <div class="saves"><button type="button" class="batch-json">Save all as JSON</button>
      <button type="button" class="batch-csv">Save the table as CSV</button></div>`;
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
