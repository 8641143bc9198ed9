// The deep-zoom viewer: the slide, a map over it whose opacity moves, outlines, marks, and a scale bar.

import { root } from "./requests.js";

const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const BAR = 0.25; // of the viewer's width, at most
const AROUND = 6; // how many patches are seen a side when the viewer flies to one
const NO_KEYS = ["f", "F", "r", "R"]; // OpenSeadragon turns and mirrors with them, which nobody asked for
const ZOOM_KEYS = { "+": 1.3, "-": 1 / 1.3 }; // it knows them by where they lie on an American keyboard

let loading;

function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root()}/web/vendor/openseadragon/openseadragon.min.js`;
    script.onload = () => resolve(window.OpenSeadragon);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

export class SlideViewer {
  // `place` is the viewer's element, `bar` that of its scale bar; `onPlace(x, y)` is called for a place to read.
  constructor(place, bar, onPlace) {
    Object.assign(this, { place, bar, onPlace, layers: {}, marks: [] });
    this.look = { layer: "probability", opacity: 0.75, outline: true };
  }

  // Opens a slide of `size` [width, height] that is served below `address`, with `mpp` um per pixel.
  async open(address, size, mpp) {
    const OpenSeadragon = await library();
    this.close();
    Object.assign(this, { address, size, mpp });
    this.viewer = OpenSeadragon({
      element: this.place,
      tileSources: `${address}/slide.dzi`,
      drawer: "canvas",
      showNavigationControl: false,
      animationTime: STILL.matches ? 0 : 0.8,
      maxZoomPixelRatio: 8,
      visibilityRatio: 0.5,
      gestureSettingsMouse: { clickToZoom: false },
      gestureSettingsTouch: { dblClickToZoom: true },
    });
    const { viewer } = this;
    viewer.canvas.setAttribute("role", "application");
    viewer.canvas.setAttribute("aria-roledescription", "slide");
    viewer.canvas.setAttribute("aria-label", "Slide: arrow keys move, plus and minus zoom, Enter reads the patch in the middle");
    viewer.addHandler("canvas-click", (event) => { if (event.quick) this.read(event.position); });
    viewer.addHandler("canvas-key", (event) => {
      const { key } = event.originalEvent;
      if (NO_KEYS.includes(key) || key in ZOOM_KEYS) event.preventDefaultAction = true;
      if (key in ZOOM_KEYS) this.zoomBy(ZOOM_KEYS[key]);
      if (key === "Enter") this.read(viewer.viewport.getContainerSize().divide(2));
    });
    for (const moved of ["open", "animation", "resize"]) viewer.addHandler(moved, () => this.drawBar());
    await new Promise((resolve) => viewer.addOnceHandler("open", resolve));
    await this.addLayer("outline");
  }

  // The slide itself, below the maps.
  get image() { return this.viewer.world.getItemAt(0); }

  close() {
    this.viewer?.destroy();
    this.viewer = undefined;
    this.layers = {};
    this.marks = [];
  }

  // Shows the maps of a finished scan; the outlines then have its regions too.
  async showMaps(result) {
    this.removeLayers();
    this.scan = Date.now(); // a map of an earlier scan may lie in the browser's cache
    for (const name of ["probability", "evidence", "outline"]) await this.addLayer(name);
    for (const { box, rank } of result.suspicious) this.mark(box, String(rank));
  }

  async clearMaps() {
    this.removeLayers();
    await this.addLayer("outline");
  }

  removeLayers() {
    for (const layer of Object.values(this.layers)) this.viewer.world.removeItem(layer);
    this.layers = {};
    for (const mark of this.marks) this.viewer.removeOverlay(mark);
    this.marks = [];
    this.unmark();
  }

  addLayer(name) {
    const tileSource = {
      width: this.size[0], height: this.size[1], tileSize: 256, tileOverlap: 0,
      getTileUrl: (level, x, y) => `${this.address}/${name}_files/${level}/${x}_${y}.png?${this.scan ?? 0}`,
    };
    return new Promise((resolve, reject) => {
      this.viewer.addTiledImage({
        tileSource, opacity: this.opacityOf(name), error: reject,
        success: ({ item }) => { this.layers[name] = item; resolve(); },
      });
    });
  }

  opacityOf(name) {
    const { layer, opacity, outline } = this.look;
    if (name === "outline") return outline ? 1 : 0;
    return name === layer ? opacity : 0;
  }

  set(look) {
    Object.assign(this.look, look);
    for (const [name, item] of Object.entries(this.layers)) item.setOpacity(this.opacityOf(name));
  }

  rectangle([left, top, right, bottom]) {
    return this.image.imageToViewportRectangle(left, top, right - left, bottom - top);
  }

  mark(box, text) {
    const element = document.createElement("div");
    element.className = "slide-mark";
    if (text) element.append(Object.assign(document.createElement("b"), { textContent: text }));
    this.viewer.addOverlay({ element, location: this.rectangle(box) });
    this.marks.push(element);
    return element;
  }

  // Frames the patch that is being read.
  choose(box) {
    this.unmark();
    this.chosen = this.mark(box, "");
    this.chosen.classList.add("chosen");
  }

  unmark() {
    if (this.chosen) this.viewer.removeOverlay(this.chosen);
    this.chosen = undefined;
  }

  fly(box) {
    const rectangle = this.rectangle(box);
    const grow = Math.max(1, AROUND * 0.5);
    rectangle.x -= rectangle.width * grow;
    rectangle.y -= rectangle.height * grow;
    rectangle.width *= 1 + 2 * grow;
    rectangle.height *= 1 + 2 * grow;
    this.viewer.viewport.fitBounds(rectangle, STILL.matches);
  }

  show(box) { this.viewer.viewport.fitBounds(this.rectangle(box), STILL.matches); }
  fit() { this.viewer.viewport.goHome(STILL.matches); }
  zoomBy(factor) { this.viewer.viewport.zoomBy(factor).applyConstraints(); }

  read(position) {
    const { viewport } = this.viewer;
    const { x, y } = this.image.viewportToImageCoordinates(viewport.pointFromPixel(position));
    if (x >= 0 && y >= 0 && x < this.size[0] && y < this.size[1]) this.onPlace(x, y);
  }

  // A bar of 1, 2 or 5 times a power of ten micrometres.
  drawBar() {
    const { viewport } = this.viewer;
    const perPixel = this.mpp / this.image.viewportToImageZoom(viewport.getZoom(true)); // um per pixel of the screen
    const longest = this.place.clientWidth * BAR * perPixel;
    const power = 10 ** Math.floor(Math.log10(longest));
    const length = [5, 2, 1].map((step) => step * power).find((one) => one <= longest);
    const [line, text] = this.bar.children;
    line.style.width = `${length / perPixel}px`;
    text.textContent = length >= 1000 ? `${length / 1000} mm` : `${length} µm`;
  }
}
