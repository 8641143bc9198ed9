// What a visitor takes along: report, answer, picture with map, map, link, and the question as a program.

import { withLegend } from "./layers.js";
import { ask, root } from "./requests.js";
import { npy, programs, save } from "./saving.js";

export class TakingAlong {
  constructor(taker) {
    this.taker = taker;
    const { bench } = taker;
    bench.on(".save-json", "click", () => this.saveJson());
    bench.on(".save-map", "click", () => save(npy(taker.shown.answer.heatmap.values), `${this.name}-map.npy`));
    bench.on(".save-overlay", "click", () => this.saveOverlay());
    bench.on(".save-report", "click", () => this.saveReport());
    bench.on(".copy-link", "click", () => bench.copy(bench.link(), "Link copied."));
    for (const language of ["python", "curl", "javascript"]) {
      bench.on(`.copy-${language}`, "click", () => bench.copy(this.program(language), `${language} copied.`));
    }
  }

  get name() { return (this.taker.file?.name ?? "picture").replace(/\.[^.]*$/, "") || "picture"; }

  saveJson() {
    save(new Blob([JSON.stringify(this.taker.shown.answer, null, 2)], { type: "application/json" }), `${this.name}.json`);
  }

  saveOverlay() {
    const { answer, percent, reading, scale } = this.taker.shown;
    const caption = [
      `${reading}: ${percent} probability of ${answer.finding}. ${answer.model.name}, image ${answer.image_sha256.slice(0, 12)}`,
      `Full colour is ${scale.toFixed(2)} log-odds in a cell. ${answer.disclaimer}`,
    ];
    withLegend(this.taker.view, caption).toBlob((blob) => save(blob, `${this.name}-evidence.png`));
  }

  async saveReport() {
    const { bench, query, file } = this.taker;
    await bench.attempt(async () => {
      const response = await ask("report", { ...query, point: bench.find(".point").value }, file);
      save(await response.blob(), `${this.name}-report.pdf`);
    });
  }

  program(language) {
    const { bench, file, shown } = this.taker;
    return programs({
      address: root(),
      endpoint: bench.config.endpoint,
      point: bench.find(".point").value || shown?.answer.operating_point.name || "",
      model: bench.model,
      file: file?.name ?? "picture.png",
    })[language];
  }
}
