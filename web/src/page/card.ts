// The answer as the card of the app (ui/verdict.py), in its words; styled by the app's own sheet.
import { DOMAINS, WORDS, filled, signed, type Answer, type Example, type Interval, type Model } from "../core/words";
import { decide, pointOf } from "../core/reading";
import { warningOf } from "../core/guard";
import type { Json } from "../core/answer";

const SAID = WORDS.card;
const ZONES: Answer[] = ["negative", "cannot tell", "positive"];

export const escaped = (text: string) =>
  text.replace(/[&<>"']/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" })[one]!);

/** Returns a probability for people; the ends of the scale are never rounded to certainty. */
export function percent(probability: number): string {
  if (probability < 0.01) return "under 1 %";
  return probability > 0.99 ? "over 99 %" : `${(100 * probability).toFixed(0)} %`;
}

export const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Returns the answer as one sentence, for a screen reader. */
export function spoken(json: Json): string {
  const cells = json.heatmap.values.flat();
  const sum = (keep: (value: number) => boolean) => cells.filter(keep).reduce((total, value) => total + value, 0);
  const part = (value: number) => `${value < 0 ? "" : "+"}${value.toFixed(1)}`;
  return `${capital(json.reading.text)}: probability of ${json.finding} ${percent(json.probability)}. Evidence in log-odds: `
    + `${part(sum((value) => value > 0))} for, ${part(sum((value) => value < 0))} against.`;
}

export function cardHtml(json: Json, model: Model, example?: Example): string {
  const { answer, text } = json.reading;
  const warning = json.guard ? warningOf(json.guard) : "";
  const notes = json.notes.map((note) => `<p class="note${note === warning ? " warning" : ""}">${escaped(note)}</p>`);
  return `<div class="verdict ${answer.replace(" ", "-")}">
    <div class="headline"><h2 class="decision">${escaped(capital(text))}</h2>
      <p class="probability"><b>${percent(json.probability)}</b> <small>probability</small></p></div>
    <p class="badges">${badges(json, model).map((badge) => `<span class="badge">${badge}</span>`).join("")}</p>
    ${zoneBar(json, model)}
    ${model.frequency[answer]}
    ${DOMAINS[model.domain].plain[answer]}
    ${mapAgainstVerdict(json)}
    ${lungsShare(json)}
    ${example ? `<p class="label">The label says: <b>${escaped(example.label)}</b>.</p>` : ""}
    ${notes.join("")}
    <p class="disclaimer">${WORDS.disclaimer}</p></div>`;
}

function badges(json: Json, model: Model): string[] {
  const isNear = ["screening", "rule-in"].some((name) => {
    const { threshold } = pointOf(model, name);
    return Math.abs(json.log_odds - Math.log(threshold / (1 - threshold))) < SAID.borderline;
  });
  return [...(json.reading.members_disagree ? [SAID.members_disagree] : []), ...(isNear ? [SAID.near_a_threshold] : [])];
}

function zoneBar(json: Json, model: Model): string {
  const [low, high] = [pointOf(model, "screening").threshold, pointOf(model, "rule-in").threshold];
  const members = Object.entries(json.members);
  const said = `${percent(json.probability)} on a scale with thresholds at ${percent(low)} and ${percent(high)}`;
  const named = members.map(([name, value]) => `${name} ${percent(value)}`).join(", ");
  const dots = members.map(([name, value]) =>
    `<span class="dot" style="left:${left(value, low, high)}" title="${escaped(name)}: ${percent(value)}"></span>`);
  return `<div class="zones" role="img" aria-label="${escaped(said + (named && `; members: ${named}`))}">
    ${ZONES.map((zone, n) => `<span class="zone ${zone.replace(" ", "-")}">${escaped(SAID.zones[n])}</span>`).join("")}
    ${dots.join("")}<span class="mark" style="left:${left(json.probability, low, high)}"></span></div>
    <div class="ticks" aria-hidden="true"><span>0 %</span><span style="left:33.33%">${percent(low)}</span>
    <span style="left:66.67%">${percent(high)}</span><span>100 %</span></div>`;
}

// Each zone takes a third of the bar and is linear inside; there is room for the mark at both ends.
function left(probability: number, low: number, high: number): string {
  const edges = [0, low, high, 1];
  const zone = probability < low ? 0 : probability >= high ? 2 : 1;
  const place = (zone + (probability - edges[zone]) / (edges[zone + 1] - edges[zone] || 1)) / 3;
  return `${Math.min(Math.max(100 * place, 0.8), 99.2).toFixed(2)}%`;
}

function mapAgainstVerdict({ heatmap, reading, log_odds, finding }: Json): string {
  const cells = heatmap.values.flat().reduce((sum, value) => sum + value, 0);
  const saysYes = reading.answer === "positive" || (reading.answer === "cannot tell" && log_odds > 0);
  if (cells > 0 === saysYes || Math.abs(cells) < 0.05) return "";
  const words = { way: cells > 0 ? "for" : "against", finding: escaped(finding), cells, bias: heatmap.bias };
  return `<p class="note">${filled(SAID.against_the_map, words)}</p>`;
}

function lungsShare({ lungs }: Json): string {
  if (lungs && lungs.area < WORDS.guard.least_lungs) return SAID.no_lungs;
  if (!lungs || lungs.evidence_inside === null) return "";
  return filled(SAID.lungs, { inside: (100 * lungs.evidence_inside).toFixed(0), area: percent(lungs.area) });
}

/** Returns the decisions at each operating point, with what they reached on test data. */
export function forcedHtml(json: Json, model: Model): string {
  const interval = (rate?: Interval) =>
    rate ? `${(100 * rate.value).toFixed(0)} % <small>(${(100 * rate.low).toFixed(0)} to ${(100 * rate.high).toFixed(0)})</small>` : "-";
  const rows = model.points.map((point) => {
    const reached = model.test?.points[point.name];
    return `<tr><th scope="row">${escaped(point.name)}</th><td>${percent(point.threshold)}</td>
      <td><b>${escaped(decide(json.probability, point, model))}</b></td>
      <td>${interval(reached?.sensitivity)}</td><td>${interval(reached?.specificity)}</td></tr>`;
  });
  const head = ["Point", "Threshold", "Forced decision", "Sensitivity", "Specificity"];
  return `<table class="forced"><thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead>
    <tbody>${rows.join("")}</tbody></table>`;
}

/** Returns the arithmetic of the map, what identifies model and image, and times. */
export function detailsHtml(json: Json, runsOn: string, example?: Example): string {
  const cells = json.heatmap.values.flat();
  const part = (sign: number) => signed(cells.filter((value) => value * sign > 0).reduce((sum, value) => sum + value, 0));
  const { decode, guard, preprocess, inference } = json.milliseconds;
  const rows: Record<string, string> = {
    "Evidence in log-odds": `${part(1)} for, ${part(-1)} against, ${signed(json.heatmap.bias)} from no place = ${signed(json.log_odds)}`,
    Probability: `${(100 * json.probability).toFixed(2)} % of ${json.finding}`,
    "Members, each on its own": Object.entries(json.members).map(([name, value]) => `${name} ${(100 * value).toFixed(1)} %`).join(", "),
    Model: `${json.model.name}, file ${json.model.sha256.slice(0, 12)}`,
    Grid: `${json.heatmap.shape.join(" x ")} cells`,
    Image: `SHA-256 ${json.image_sha256}`,
    Example: example?.source ?? "",
    "Runs on": runsOn,
    Milliseconds: `decode ${decode.toFixed(0)}, guard ${guard.toFixed(0)}, preprocess ${preprocess.toFixed(0)}, inference ${inference.toFixed(0)}`,
  };
  return `<dl class="arithmetic">${Object.entries(rows).filter(([, text]) => text)
    .map(([name, text]) => `<dt>${name}</dt><dd>${escaped(text)}</dd>`).join("")}</dl>`;
}
