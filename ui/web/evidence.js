// The evidence viewer: picture and map as layers of one canvas that are zoomed, moved and read together.

import { colouredMap } from "./heatmap.js";
import { paintLayers } from "./layers.js";

const MAX_ZOOM = 12;
const LOOK = { opacity: 0.75, grey: false, cells: false, contours: false, lungs: true, brightness: 100, contrast: 100 };

export class EvidenceView {
  constructor(canvas, readout, onPaint) {
    Object.assign(this, { canvas, readout, onPaint });
    this.look = { ...LOOK };
    this.painted = new Set();
    this.painting = false;
    this.pointers = new Map();
    this.reset();
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.listen();
  }

  // Shows a picture (an image or canvas element) with a map, rows of log-odds by cell, and outlines; or without a map.
  show({ picture, cells, scale, box, outline, keepView = false }) {
    Object.assign(this, { picture, cells, scale, box, outline });
    this.layers = cells && { true: colouredMap(cells, scale, true), false: colouredMap(cells, scale, false) };
    this.paths = undefined;
    this.selected = undefined;
    if (!keepView) this.reset();
    this.draw();
  }

  // Shows the same picture in other greys.
  repaint(picture) {
    this.picture = picture;
    this.draw();
  }

  // Width and height of the picture in its own pixels.
  get size() { return [this.picture.naturalWidth ?? this.picture.width, this.picture.naturalHeight ?? this.picture.height]; }

  clear() {
    this.picture = this.cells = undefined;
    this.painted.clear();
    this.draw();
  }

  set(look) {
    Object.assign(this.look, look);
    this.draw();
  }

  reset() {
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5 });
    this.canvas.style.touchAction = "pan-y";
    this.draw();
  }

  zoomBy(factor, at = [this.x, this.y]) {
    const before = this.zoom;
    this.zoom = Math.min(MAX_ZOOM, Math.max(1, this.zoom * factor));
    const change = before / this.zoom; // the point `at` stays where it is on the screen
    this.x = at[0] + (this.x - at[0]) * change;
    this.y = at[1] + (this.y - at[1]) * change;
    this.move(0, 0);
    this.canvas.style.touchAction = this.zoom > 1 ? "none" : "pan-y";
  }

  move(dx, dy) {
    const half = 0.5 / this.zoom;
    this.x = Math.min(1 - half, Math.max(half, this.x + dx));
    this.y = Math.min(1 - half, Math.max(half, this.y + dy));
    this.draw();
  }

  // Where the picture lies on the canvas, in device pixels.
  frame(width = this.canvas.width, height = this.canvas.height) {
    const [wide, tall] = this.size;
    const factor = Math.min(width / wide, height / tall) * this.zoom;
    const [w, h] = [wide * factor, tall * factor];
    return { left: width / 2 - this.x * w, top: height / 2 - this.y * h, w, h };
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    if (!this.picture) return;
    paintLayers(context, this, this.frame(), ratio);
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture?.(event.pointerId);
      this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
      if (this.painting) {
        this.adding = !this.painted.has(this.cellAt(event));
        this.paintAt(event);
      } else this.select(this.cellAt(event));
    });
    canvas.addEventListener("pointermove", (event) => this.pointerMoved(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      canvas.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    canvas.addEventListener("dblclick", (event) => this.zoomBy(2, this.placeOf(event)));
    canvas.addEventListener("wheel", (event) => {
      if (!this.picture || !(event.ctrlKey || event.metaKey)) return; // a plain wheel scrolls the page
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY / 200), this.placeOf(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  pointerMoved(event) {
    if (!this.picture) return;
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.select(this.cellAt(event));
      return;
    }
    const now = [event.clientX, event.clientY];
    if (this.painting) this.paintAt(event);
    else if (this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const distance = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
      this.zoomBy(distance(now) / distance(before));
    } else if (this.zoom > 1) {
      const { w, h } = this.frame(this.canvas.clientWidth, this.canvas.clientHeight);
      this.move((before[0] - now[0]) / w, (before[1] - now[1]) / h);
    }
    this.pointers.set(event.pointerId, now);
  }

  placeOf(event) {
    const area = this.canvas.getBoundingClientRect();
    const { left, top, w, h } = this.frame(area.width, area.height);
    return [(event.clientX - area.left - left) / w, (event.clientY - area.top - top) / h];
  }

  cellAt(event) {
    if (!this.picture || !this.cells) return undefined;
    const [x, y] = this.placeOf(event);
    if (x < 0 || x >= 1 || y < 0 || y >= 1) return undefined;
    const [rows, columns] = [this.cells.length, this.cells[0].length];
    return Math.floor(y * rows) * columns + Math.floor(x * columns);
  }

  paintAt(event) {
    const cell = this.cellAt(event);
    if (cell === undefined) return;
    if (this.adding) this.painted.add(cell);
    else this.painted.delete(cell);
    this.draw();
    this.onPaint();
  }

  select(cell) {
    if (cell === this.selected) return;
    this.selected = cell;
    if (cell !== undefined) {
      const columns = this.cells[0].length;
      const value = this.cells[Math.floor(cell / columns)][cell % columns];
      const way = value > 0 ? "for" : "against";
      const place = `row ${Math.floor(cell / columns) + 1}, column ${(cell % columns) + 1}`;
      this.readout.textContent = `${place}: ${value > 0 ? "+" : ""}${value.toFixed(3)} log-odds ${way} it`;
    }
    this.draw();
  }

  key(event) {
    if (!this.picture) return;
    const [rows, columns] = this.cells ? [this.cells.length, this.cells[0].length] : [0, 0];
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (step && event.shiftKey) this.move(step[0] / (8 * this.zoom), step[1] / (8 * this.zoom));
    else if (step && this.cells) {
      const middle = Math.floor(rows / 2) * columns + Math.floor(columns / 2);
      const at = this.selected ?? middle;
      const x = Math.min(columns - 1, Math.max(0, (at % columns) + (this.selected === undefined ? 0 : step[0])));
      const y = Math.min(rows - 1, Math.max(0, Math.floor(at / columns) + (this.selected === undefined ? 0 : step[1])));
      this.select(y * columns + x);
    } else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0") this.reset();
    else if (event.key === " " && this.painting && this.selected !== undefined) {
      if (!this.painted.delete(this.selected)) this.painted.add(this.selected);
      this.draw();
      this.onPaint();
    } else return;
    event.preventDefault();
  }
}
