// What a scan found, beside the viewer: figures, the most suspicious patches, regions, files, and the answer to one patch.

import { EvidenceView } from "./evidence.js";
import { ask, loaded } from "./requests.js";
import { address, patchFile } from "./slide_requests.js";

const FILES = {
  "regions.geojson": "Regions (GeoJSON, for QuPath)",
  "patches.csv": "Patches (CSV)",
  "map.ome.tif": "Maps (pyramidal OME-TIFF)",
  "scan.json": "Summary (JSON)",
  "probability.png": "Picture with map (PNG)",
};

export class SlideFindings {
  constructor(taker) {
    this.taker = taker;
    this.view = new EvidenceView(taker.find(".slide-patch canvas"), document.createElement("p"), () => {});
    this.view.select = () => {}; // a small map is looked at, not read cell by cell
    taker.on(".slide-alone", "click", () => taker.bench.take([this.file], { by: "picture" }));
  }

  find(selector) { return this.taker.find(selector); }

  clear() {
    this.find(".slide-found").hidden = this.find(".slide-patch").hidden = true;
  }

  show({ headline, summary, suspicious, regions }) {
    const { key, file, bench } = this.taker;
    this.find(".slide-headline").textContent = headline;
    this.find(".slide-points").replaceChildren(...summary.by_operating_point.map((point) => {
      const row = document.createElement("tr");
      row.innerHTML = "<th scope=row></th><td></td><td></td><td></td>";
      const texts = [point.operating_point, percent(point.threshold), percent(point.share), area(point.area_mm2)];
      texts.forEach((text, index) => { row.children[index].textContent = text; });
      row.classList.toggle("chosen", point.operating_point === summary.operating_point.name);
      return row;
    }));
    this.find(".slide-suspicious").replaceChildren(...suspicious.map((patch) => this.suspiciousItem(patch)));
    this.find(".slide-regions-title").hidden = regions.length === 0;
    this.find(".slide-regions").replaceChildren(...regions.map((region, index) => item(
      [`${index + 1}: ${area(region.tissue_mm2)}, mean ${percent(region.mean_probability)}`],
      `Region ${index + 1}: ${area(region.tissue_mm2)}, mean probability ${percent(region.mean_probability)}`,
      () => this.taker.viewer.show(region.box),
    )));
    const name = file.name.replace(/\.[^.]*$/, "") || "slide";
    this.find(".slide-files").replaceChildren(...Object.entries(FILES).map(([left, text]) => Object.assign(
      document.createElement("a"), { href: `${address(key)}/files/${left}`, download: `${name}-${left}`, textContent: text },
    )));
    this.find(".slide-found").hidden = false;
    bench.tell(`The scan is finished. ${headline}.`);
  }

  suspiciousItem({ rank, box, probability, reading, picture }) {
    const image = Object.assign(document.createElement("img"), { src: picture, alt: "" });
    return item([image, `${rank}: ${percent(probability)}`], `Patch ${rank}: ${percent(probability)}, ${reading}`, () => {
      this.taker.viewer.fly(box);
      this.readAt((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, `Patch ${rank}`);
    });
  }

  // Reads the patch around a place as a picture of its own.
  async readAt(x, y, name = "The patch here") {
    const { taker } = this;
    const { bench } = taker;
    if (!this.find(".slide-progress").hidden) return; // a scan runs
    const signal = bench.newWait();
    await bench.attempt(async () => {
      const file = await patchFile(taker.key, x, y);
      const query = { domain: bench.config.domain, model: bench.model, anyway: 1 };
      const found = await (await ask("answer", query, file, signal)).json();
      this.file = file;
      taker.viewer.choose(this.boxAround(x, y));
      const canvas = this.find(".slide-patch canvas");
      canvas.setAttribute("aria-label", found.spoken);
      this.find(".slide-patch-title").textContent = `${name}: ${found.percent}`;
      this.find(".slide-patch-card").innerHTML = found.card;
      this.find(".slide-patch-card h2")?.setAttribute("aria-level", "3");
      this.find(".slide-patch").hidden = false;
      const { answer, scale, box } = found;
      this.view.show({ picture: await loaded(found.picture), cells: answer.heatmap.values, scale, box });
      bench.tell(found.spoken);
    });
  }

  boxAround(x, y) {
    const { patch_px: side, um_per_px: mpp, model_um_per_px: model } = this.taker.planned;
    const [across, down] = mpp.map((one) => (side * model) / one / 2);
    return [x - across, y - down, x + across, y + down];
  }
}

function item(content, label, work) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...content);
  button.setAttribute("aria-label", label);
  button.addEventListener("click", work);
  const line = document.createElement("li");
  line.append(button);
  return line;
}

const percent = (share) => (share > 0 && share < 0.01 ? "under 1\u00a0%" : share > 0.99 && share < 1 ? "over 99\u00a0%" : `${Math.round(100 * share)}\u00a0%`);
const area = (mm2) => `${mm2.toFixed(mm2 < 0.1 ? 3 : 2)}\u00a0mm²`;
