// Asks a running Overread about an image: npm install @gradio/client, then
// node examples/client.mjs film.jpeg --endpoint chest_xray --url https://OWNER-overread.hf.space
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Client } from "@gradio/client";

const usage = "usage: node client.mjs IMAGE [--endpoint histopathology|chest_xray] [--url URL] [--overlay FILE.png]";
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    endpoint: { type: "string", default: "histopathology" },
    url: { type: "string", default: "http://127.0.0.1:7860" },
    overlay: { type: "string" },
  },
});
if (positionals.length !== 1) {
  console.error(usage);
  process.exit(2);
}

const client = await Client.connect(values.url);
try {
  const image = new Blob([await readFile(positionals[0])]);
  const { data } = await client.predict(`/${values.endpoint}`, { image, operating_point: "balanced" });
  const [answer, overlay] = data;
  console.log(`${answer.decision}: ${(100 * answer.probability).toFixed(1)} % probability of ${answer.finding}`);
  console.log(`threshold ${(100 * answer.operating_point.threshold).toFixed(1)} %, model ${answer.model.name}`);
  console.log(answer.disclaimer);
  if (values.overlay) {
    await writeFile(values.overlay, Buffer.from(await (await fetch(overlay.url)).arrayBuffer()));
  }
} catch (error) {
  console.error(error.message ?? error);
  process.exitCode = 1;
} finally {
  client.close();
}
