// "Cover it and ask again": the strongest cells, or those that the visitor paints, are filled in and the model is asked.

import { asHex, strongestCells } from "./heatmap.js";
import { ask, loaded } from "./requests.js";

export class Covering {
  constructor(taker) {
    this.taker = taker;
    const { bench } = taker;
    bench.on(".cover", "click", () => this.cover());
    bench.on(".paint", "click", (button) => this.paint(button.getAttribute("aria-pressed") !== "true"));
    bench.on(".uncover", "click", () => this.uncover());
  }

  paint(on) {
    const { bench, view } = this.taker;
    view.painting = on;
    bench.find(".paint").setAttribute("aria-pressed", String(on));
    if (!on) view.painted.clear();
    this.paintedChanged();
    view.draw();
    bench.find(".canvas").classList.toggle("painting", on);
  }

  paintedChanged() {
    const { bench, view } = this.taker;
    bench.find(".cover").textContent = view.painted.size ? "Cover the painted cells" : "Cover it and ask again";
  }

  async cover() {
    const { bench, view, shown, query, file } = this.taker;
    const { values } = shown.answer.heatmap;
    const total = values.flat().reduce((sum, value) => sum + value, 0);
    const sign = shown.answer.positive || total > 0 ? 1 : -1;
    const chosen = view.painted.size ? view.painted : strongestCells(values, sign);
    const count = values.length * values[0].length;
    await bench.attempt(async () => {
      const found = await (await ask("cover", { ...query, cells: asHex(chosen, count) }, file)).json();
      const picture = await loaded(found.picture);
      this.paint(false);
      this.taker.showEvidence({ picture, cells: found.heatmap, scale: found.scale, keepView: true });
      bench.find(".cover-result").textContent = [found.sentence, found.warning].filter(Boolean).join(" ");
      bench.find(".uncover").hidden = false;
    });
  }

  clear() {
    const { bench } = this.taker;
    bench.find(".cover-result").textContent = "";
    bench.find(".uncover").hidden = true;
  }

  uncover() {
    this.clear();
    this.taker.showEvidence({ keepView: true });
    this.taker.bench.find(".cover").focus();
  }
}
