// What a visitor takes along: files made on the visitor's own machine, and the text of programs.

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Returns rows of numbers as a NumPy file, version 1.0: (h, w) float32.
export function npy(rows) {
  const shape = `(${rows.length}, ${rows[0].length})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  const padded = header + " ".repeat(64 - ((10 + header.length + 1) % 64)) + "\n";
  const start = new Uint8Array(10 + padded.length);
  start.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8]);
  start.set(new TextEncoder().encode(padded), 10);
  const values = new DataView(new ArrayBuffer(rows.length * rows[0].length * 4));
  rows.flat().forEach((value, index) => values.setFloat32(index * 4, value, true));
  return new Blob([start, values.buffer], { type: "application/octet-stream" });
}

// Returns a program that asks the same question of this app, by language.
export function programs({ address, endpoint, point, model, file }) {
  const name = JSON.stringify(file);
  return {
    python: `from gradio_client import Client, handle_file

answer, overlay = Client("${address}").predict(
    handle_file(${name}), "${point}", "${model}", api_name="/${endpoint}"
)
print(answer["probability"], answer["decision"], overlay)
`,
    curl: `DATA=$(base64 < ${shellQuoted(file)} | tr -d '\\n')
EVENT=$(printf '{"data": ["%s", "${point}", "${model}"]}' "$DATA" \\
  | curl -s -H 'Content-Type: application/json' -d @- ${address}/gradio_api/call/${endpoint} \\
  | sed 's/.*"event_id": *"\\([^"]*\\)".*/\\1/')
curl -s -N ${address}/gradio_api/call/${endpoint}/$EVENT
`,
    javascript: `import { readFile } from "node:fs/promises";
import { Client } from "@gradio/client";

const client = await Client.connect("${address}");
const image = new Blob([await readFile(${name})]);
const { data } = await client.predict("/${endpoint}", {
  image, operating_point: "${point}", model: "${model}",
});
console.log(data[0].probability, data[0].decision);
`,
  };
}

function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
