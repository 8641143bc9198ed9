// A stack's rows as files, made on the visitor's own machine: the table as CSV, the answers as JSON.

const COLUMNS = ["file", "reading", "decision", "probability", "threshold", "operating_point", "model", "guard", "notes",
  "error", "image_sha256", "model_sha256"]; // as `overread predict --csv` writes them

export function asCsv(rows) {
  const lines = answered(rows).map(({ name, found }) => COLUMNS.map((column) => (
    column === "file" ? harmless(name) : found.row[column] ?? ""
  )));
  const text = [COLUMNS, ...lines].map((line) => line.map(quoted).join(",")).join("\r\n");
  return new Blob([`${text}\r\n`], { type: "text/csv" });
}

export function asJson(rows) {
  const documents = answered(rows).map(({ name, found }) => ({ ...found.document, image: name }));
  return new Blob([JSON.stringify(documents, null, 1)], { type: "application/json" });
}

const answered = (rows) => rows.filter(({ found }) => found);

const quoted = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));

// A spreadsheet would run a name such as =1+1 as a formula.
const harmless = (name) => (/^[=+\-@\t]/.test(name) ? `'${name}` : name);
