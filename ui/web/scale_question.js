// Asks at which magnification a picture was taken: of the app's slides, and of the page in a browser (web/).

const SCALES = [["40x", 0.25], ["20x", 0.5], ["10x", 1]]; // what microscopists say, and um/px
const HTML = `<h2 id="slide-asked">At which magnification was it taken?</h2>
  <p class="slide-why"></p>
  <img class="slide-preview" alt="The picture that was sent" hidden>
  <div class="slide-scales"></div>
  <form class="slide-own">
    <label>or <input type="number" class="slide-mpp" min="0.05" max="5" step="any" inputmode="decimal" required> µm/px</label>
    <button type="submit">Use it</button>
  </form>`;

// What a table of many pictures offers, as <option>s; their values are JSON.
export const SCALE_OPTIONS = `<option value="">as each file says</option>
  ${SCALES.map(([name, mpp]) => `<option value='{"mpp":${mpp}}'>${name}, ${mpp} µm/px</option>`).join("")}
  <option value='{"squash":1}'>each is one patch, squashed</option>`;

export const unknownScale = (size) =>
  `The file does not say its scale, and ${size.join(" x ")} px are no patch of 96 px.`;

export class ScaleQuestion {
  // Fills `place`, an element; `chosen` is called with { mpp } or { squash: 1 }.
  constructor(place, chosen) {
    this.place = place;
    place.innerHTML = HTML;
    place.setAttribute("role", "group");
    place.setAttribute("aria-labelledby", "slide-asked");
    for (const [name, mpp] of SCALES) this.add(name, `${mpp} µm/px`, () => chosen({ mpp }));
    this.add("It is one 96 px patch", "squash it whole, whatever its scale", () => chosen({ squash: 1 }));
    this.find(".slide-own").addEventListener("submit", (event) => {
      event.preventDefault();
      chosen({ mpp: Number(this.find(".slide-mpp").value) });
    });
  }

  find(selector) { return this.place.querySelector(selector); }

  add(name, explanation, work) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(name, Object.assign(document.createElement("small"), { textContent: explanation }));
    button.addEventListener("click", work);
    this.find(".slide-scales").append(button);
  }

  // Shows why it is asked; `size` in pixels gives each answer its millimetres. Returns what a screen reader should say.
  ask({ size, preview }, why) {
    this.enable(true);
    this.find(".slide-why").textContent = why;
    const image = this.find(".slide-preview");
    if (preview) image.src = preview;
    image.hidden = !preview;
    const captions = [...this.place.querySelectorAll(".slide-scales small")];
    SCALES.forEach(([, mpp], index) => {
      const sides = size?.map((side) => `${((side * mpp) / 1000).toPrecision(2)} mm`).join(" x ");
      captions[index].textContent = `${mpp} µm/px${sides ? `: ${sides}` : ""}`;
    });
    this.place.hidden = false;
    return `${why} ${this.find("#slide-asked").textContent}`;
  }

  focus() { this.find(".slide-scales button").focus(); }

  enable(on) {
    for (const button of this.place.querySelectorAll(".slide-scales button, .slide-own button")) button.disabled = !on;
  }
}
