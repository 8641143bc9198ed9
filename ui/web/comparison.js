// All models of the tab on the same picture, side by side.

import { EvidenceView } from "./evidence.js";
import { ask, loaded } from "./requests.js";

export async function showComparison({ bench, query, file }) {
  const place = bench.find(".comparison");
  place.replaceChildren();
  place.hidden = false;
  const failed = await bench.attempt(async () => {
    for (const { name, title } of bench.config.models) {
      const found = await (await ask("answer", { ...query, model: name }, file)).json();
      place.append(await figureOf(title, found));
    }
  });
  if (!failed) bench.tell(`${bench.config.models.length} models compared.`);
}

async function figureOf(title, found) {
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${title}. ${found.spoken}`);
  const caption = document.createElement("figcaption");
  const name = document.createElement("b");
  name.textContent = title;
  caption.append(name, document.createElement("br"), `${found.reading}, ${found.percent}`);
  figure.append(canvas, caption);
  const view = new EvidenceView(canvas, caption, () => {});
  view.select = () => {}; // a small map is looked at, not read cell by cell
  view.show({
    picture: await loaded(found.picture), cells: found.answer.heatmap.values, scale: found.scale, box: found.box,
  });
  return figure;
}
