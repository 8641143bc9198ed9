// The answer as a page to print or to keep: what the app's PDF says (ui/report_words.py), pictures included.
import { paintLayers } from "../../../ui/web/layers.js";
import { WORDS, filled, type Example, type Model } from "../core/words";
import { capital, escaped, percent } from "./card";
import type { EvidenceView } from "../../../ui/web/evidence.js";
import type { Json } from "../core/answer";

const SAID = WORDS.report;
const LEAST_WIDTH = 640; // pixels, for a print in which a patch of 96 px is no mosaic
const LOOK = { opacity: 0.75, grey: false, cells: false, contours: false, lungs: true, brightness: 100, contrast: 100 };
const STYLE = `@page { size: A4; margin: 15mm } * { print-color-adjust: exact }
  body { font: 10pt/1.4 Helvetica, Arial, sans-serif; color: #000; background: #fff; max-width: 180mm; margin: 0 auto; padding: 4mm }
  h1 { font-size: 20pt; margin: 0 } h1 + p { font-size: 13pt; margin: 0 0 3mm } p { margin: 1mm 0; overflow-wrap: anywhere }
  .pictures { display: flex; gap: 4mm } img { width: calc(50% - 2mm); max-height: 110mm; object-fit: contain; align-self: start }
  .scale { height: 4mm; margin: 3mm 0 1mm 50%; background: linear-gradient(to right, rgb(0,150,170), white, rgb(255,128,0)) }
  .small { font-size: 8pt } .legend { text-align: right } .disclaimer { font-weight: bold; font-size: 11pt; margin-top: 3mm }`;

/** Returns the report as one HTML file without references to others; `view` shows the answer. */
export function reportHtml(json: Json, model: Model, view: EvidenceView, example?: Example): string {
  const { finding, image_sha256: image } = json;
  const picture = (withMap: boolean, said: string) => `<img src="${painted(view, withMap)}" alt="${escaped(said)}">`;
  const line = (text: string, kind = "") => `<p${kind && ` class="${kind}"`}>${escaped(text)}</p>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <title>Overread: ${escaped(finding)}</title><style>${STYLE}</style></head><body>
    ${line(SAID.title, "small")}<h1>${escaped(capital(json.reading.text))}</h1>
    ${line(filled(SAID.probability, { finding, percent: percent(json.probability) }))}
    <div class="pictures">${picture(false, filled(SAID.picture, { digest: image.slice(0, 12) }))}
      ${picture(true, filled(SAID.overlay, { finding }))}</div>
    <div class="scale"></div>${line(model.report.legend, "small legend")}
    ${[...paragraphs(json, model, example), ...json.notes].map((text) => line(text)).join("")}
    ${identity(json).map((text) => line(text, "small")).join("")}
    ${line(WORDS.disclaimer, "disclaimer")}</body></html>`;
}

function paragraphs(json: Json, { report }: Model, example?: Example): string[] {
  const cells = json.heatmap.values.flat();
  const sum = (sign: number) => cells.filter((value) => value * sign > 0).reduce((total, value) => total + value, 0);
  const members = Object.entries(json.members).map(([name, value]) => `${name} ${percent(value)}`).join(", ");
  const { decision, log_odds, operating_point: { name: point, threshold }, heatmap: { bias } } = json;
  return [
    report.frequency[json.reading.answer],
    members && filled(SAID.members, { members }),
    filled(SAID.evidence, { positive: sum(1), negative: sum(-1), bias, log_odds }),
    filled(SAID.forced, { point, threshold: (100 * threshold).toFixed(1), decision }),
    example ? filled(SAID.label, { label: example.label, source: example.source }) : "",
  ].filter(Boolean);
}

function identity({ image_sha256: image, image_sha256_of: image_of, model }: Json): string[] {
  const time = new Date().toISOString().slice(0, 16).replace("T", " ");
  const { name, revision, source, sha256 } = model;
  return SAID.identity.map((text) => filled(text, { image, image_of, model: name, revision, source, sha256, time }));
}

// What the view shows, whole and as it looks at first, as a data URL.
function painted(view: EvidenceView, withMap: boolean): string {
  const [wide, tall] = view.size;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(LEAST_WIDTH, wide);
  canvas.height = Math.round((canvas.width * tall) / wide);
  const plain = Object.assign(Object.create(view), { look: LOOK, selected: undefined, painted: new Set() });
  if (!withMap) Object.assign(plain, { cells: undefined, outline: undefined });
  paintLayers(canvas.getContext("2d"), plain, { left: 0, top: 0, w: canvas.width, h: canvas.height }, 1);
  return canvas.toDataURL("image/jpeg", 0.9);
}
