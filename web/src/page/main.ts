// The page: a tab for each domain, About, and the service worker that keeps it for use without a network.
import "../../../ui/web/style.css";
import "../../../ui/web/slide.css";
import "./page.css";
import { DOMAINS, MODELS, WORDS, type DomainName } from "../core/words";
import { escaped } from "./card";
import { Tab } from "./tab";

const NAMES = Object.keys(DOMAINS) as DomainName[];
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();

const main = document.querySelector("main")!;
main.innerHTML = `<header class="masthead"><h1>Overread</h1><p>${escaped(WORDS.summary)}</p></header>
  <div role="tablist" aria-label="What to read">${[...NAMES, "about"].map((name) =>
    `<button type="button" role="tab" id="tab-${name}" aria-controls="panel-${name}">${
      name === "about" ? "About" : escaped(DOMAINS[name as DomainName].tab)}</button>`).join("")}</div>
  ${NAMES.map((name) => `<div role="tabpanel" id="panel-${name}" aria-labelledby="tab-${name}" hidden></div>`).join("")}
  <div role="tabpanel" id="panel-about" aria-labelledby="tab-about" class="about" hidden>${about()}</div>
  <p class="foot"><b>${escaped(WORDS.disclaimer)}</b> <span class="runtime"></span></p>`;

const tabs = new Map<string, Tab>();

function open(name: string): void {
  for (const button of main.querySelectorAll<HTMLElement>('[role="tab"]')) {
    const isOpen = button.id === `tab-${name}`;
    button.setAttribute("aria-selected", String(isOpen));
    button.tabIndex = isOpen ? 0 : -1;
    main.querySelector<HTMLElement>(`#${button.getAttribute("aria-controls")}`)!.hidden = !isOpen;
  }
  if (name !== "about" && !tabs.has(name)) {
    tabs.set(name, new Tab(main.querySelector(`#panel-${name}`)!, name as DomainName, main.querySelector(".runtime")!));
  }
  history.replaceState(null, "", `${location.search}#${name}`);
}

main.querySelector('[role="tablist"]')!.addEventListener("click", (event) => {
  const button = (event.target as HTMLElement).closest('[role="tab"]');
  if (button) open(button.id.replace("tab-", ""));
});
main.querySelector('[role="tablist"]')!.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[(event as KeyboardEvent).key];
  if (!step) return;
  const all = [...main.querySelectorAll<HTMLElement>('[role="tab"]')];
  const next = all[(all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length];
  next.click();
  next.focus();
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  current()?.take([...(event.dataTransfer?.files ?? [])]);
});
document.addEventListener("paste", (event) => current()?.take([...(event.clipboardData?.files ?? [])]));

const named = () => ([...NAMES, "about"].includes(location.hash.slice(1)) ? location.hash.slice(1) : NAMES[0]);
const current = () => tabs.get(named());
addEventListener("hashchange", () => open(named()));
open(named());

if ("serviceWorker" in navigator && import.meta.env.PROD) navigator.serviceWorker.register("sw.js");

function about(): string {
  const interval = ({ value, low, high }: { value: number; low: number; high: number }) =>
    `${value.toFixed(3)} (${low.toFixed(3)}-${high.toFixed(3)})`;
  const rows = Object.values(MODELS).map(({ name, finding, test, default_point }) => {
    const point = test?.points[default_point];
    return `<tr><td>${name}</td><td>${escaped(finding)}</td><td>${test?.images ?? ""}</td><td>${test ? interval(test.auc) : ""}</td>
      <td>${point ? interval(point.sensitivity) : ""}</td><td>${point ? interval(point.specificity) : ""}</td></tr>`;
  });
  return `<h2>Nothing is sent</h2><p>The models run in this page, on this device. It fetches models and examples from its own
    address, and the browser lets it reach no other: what you open stays here. Once it was opened it works without a network,
    and it can be installed from the browser's menu.</p>
    <h2>Can I trust it?</h2><p>Test images that nothing was chosen on, with 95 % intervals, at each model's default threshold. The
    models and their answers are those of the app; resized pixels may differ by one grey level, log-odds by 0.05.</p>
    <div class="wide" tabindex="0" role="group" aria-label="Table, scrolls sideways"><table><thead><tr><th>Model</th><th>Looks for</th>
    <th>Test images</th><th>AUC</th><th>Sensitivity</th><th>Specificity</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>
    <h2>How to read the map</h2><p>Orange cells raised the estimate and teal cells lowered it: all cells plus one constant are the
    log-odds of the answer. The colour scale is fixed for each model, so faint colours mean faint evidence. A map shows what moved
    this model, not where a disease is.</p>`;
}
