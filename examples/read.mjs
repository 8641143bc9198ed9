// Reads an image with a model folder, without a server: `npm ci` in this folder, then
// node examples/read.mjs film.jpeg --model models/chest-xray-efficientnet-lite0 [--overlay FILE.png]
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const usage = "usage: node read.mjs IMAGE --model FOLDER [--overlay FILE.png]";
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: "string" }, overlay: { type: "string" } },
});
if (positionals.length !== 1 || !values.model) {
  console.error(usage);
  process.exit(2);
}
const [colourFor, colourAgainst, maxOpacity] = [[255, 128, 0], [0, 150, 170], 0.75]; // as the app draws

const image = sharp(positionals[0]).autoOrient().flatten({ background: "white" }).toColourspace("srgb");
const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
const { overread } = JSON.parse(await readFile(join(values.model, "config.json"), "utf8"));
// Resizing and normalisation as in training: no other resizing gives the same answer.
const preprocess = await InferenceSession.create(join(values.model, "onnx/preprocess.onnx"));
const net = await InferenceSession.create(join(values.model, "onnx/model.onnx"));
const pixels = { image: new Tensor("uint8", data, [1, info.height, info.width, 3]) };
const { logits, heatmap } = await net.run(await preprocess.run(pixels), ["logits", "heatmap"]);

const logOdds = logits.data[1] - logits.data[0];
const total = heatmap.data.reduce((sum, value) => sum + value, overread.heatmap.bias);
console.log(`probability of ${overread.finding}: ${(1 / (1 + Math.exp(-logOdds))).toFixed(4)}`);
console.log(`log-odds ${logOdds.toFixed(4)} = ${overread.heatmap.bias.toFixed(4)} + ${heatmap.dims.slice(1).join(" x ")} cells`);
console.log(`the sum is ${total.toFixed(4)}`);

if (values.overlay) {
  const [, height, width] = heatmap.dims;
  const cells = Buffer.from([...heatmap.data].flatMap((value) => {
    const share = Math.min(1, Math.abs(value) / overread.heatmap.scale);
    return [...(value > 0 ? colourFor : colourAgainst), Math.round(255 * maxOpacity * share)];
  }));
  const map = await sharp(cells, { raw: { width, height, channels: 4 } })
    .resize(info.width, info.height, { fit: "fill", kernel: "nearest" }).png().toBuffer();
  await sharp(data, { raw: info }).composite([{ input: map }]).png().toFile(values.overlay);
}
