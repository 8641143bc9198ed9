// Forced decisions, and PPV and NPV at the visitor's prevalence: drawn from the answer at hand, nothing is asked.

export class Settings {
  constructor(bench) {
    this.bench = bench;
    bench.on(".point", "change", () => this.showForced());
    bench.on(".prevalence", "input", () => this.showPrevalence());
  }

  show() {
    this.showForced();
    this.showPrevalence();
  }

  showForced() {
    const { bench } = this;
    const chosen = bench.find(".point").value;
    bench.all(".forced tr[data-point]").forEach((row) => row.classList.toggle("chosen", row.dataset.point === chosen));
    const row = chosen && bench.find(`.forced tr[data-point="${chosen}"]`);
    let line = bench.find(".verdict .forced-line");
    if (!line && bench.find(".verdict .badges")) {
      line = document.createElement("span");
      line.className = "badge forced-line";
      bench.find(".verdict .badges").append(line);
    }
    if (line) {
      line.hidden = !row;
      line.textContent = row ? `forced at ${chosen}: ${row.querySelector("b").textContent}` : "";
    }
  }

  // PPV and NPV by Bayes' rule from what was measured on test data.
  showPrevalence() {
    const { bench } = this;
    const share = Number(bench.find(".prevalence").value) / 100;
    const valid = share > 0 && share < 1;
    const percent = (value) => (valid && Number.isFinite(value) ? `${Math.round(100 * value)} %` : "-");
    bench.all(".forced tr[data-sensitivity]").forEach((row) => {
      const [sensitivity, specificity] = [Number(row.dataset.sensitivity), Number(row.dataset.specificity)];
      const [hit, alarm] = [sensitivity * share, (1 - specificity) * (1 - share)];
      const [clear, miss] = [specificity * (1 - share), (1 - sensitivity) * share];
      row.querySelector(".ppv").textContent = percent(hit / (hit + alarm));
      row.querySelector(".npv").textContent = percent(clear / (clear + miss));
    });
    const { shareWith, shareWithout } = bench.find(".verdict")?.dataset ?? {};
    const [yes, no] = [Number(shareWith) * share, Number(shareWithout) * (1 - share)];
    bench.find(".at-prevalence").textContent = valid && shareWith !== undefined && yes + no > 0
      ? `Where ${bench.find(".prevalence").value} of 100 have it, of 100 with this answer ${Math.round((100 * yes) / (yes + no))} had ${bench.config.finding}.`
      : "";
  }
}
