// The evidence viewer: picture and map as layers of one canvas that are zoomed, moved and read together.

import { colouredMap, contour } from "./heatmap.js";

const MAX_ZOOM = 12;
const LEVELS = [-0.75, -0.5, -0.25, 0.25, 0.5, 0.75]; // of the scale, where contours run

export class EvidenceView {
  constructor(canvas, readout, onPaint) {
    Object.assign(this, { canvas, readout, onPaint });
    this.look = { opacity: 0.75, grey: false, cells: false, contours: false, brightness: 100, contrast: 100 };
    this.painted = new Set();
    this.painting = false;
    this.pointers = new Map();
    this.reset();
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.listen();
  }

  // Shows a picture (an image element) with a map: rows of log-odds by cell.
  show({ picture, cells, scale, box, keepView = false }) {
    Object.assign(this, { picture, cells, scale, box });
    this.layers = { true: colouredMap(cells, scale, true), false: colouredMap(cells, scale, false) };
    this.paths = undefined;
    this.selected = undefined;
    if (!keepView) this.reset();
    this.draw();
  }

  clear() {
    this.picture = undefined;
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
    const { naturalWidth, naturalHeight } = this.picture;
    const factor = Math.min(width / naturalWidth, height / naturalHeight) * this.zoom;
    const [w, h] = [naturalWidth * factor, naturalHeight * factor];
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
    this.paintLayers(context, this.frame(), ratio);
  }

  paintLayers(context, { left, top, w, h }, ratio) {
    const { look } = this;
    const layer = this.layers[!look.cells];
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.filter = `grayscale(${look.grey ? 1 : 0}) brightness(${look.brightness}%) contrast(${look.contrast}%)`;
    context.drawImage(this.picture, left, top, w, h);
    context.filter = "none";
    context.globalAlpha = look.opacity;
    context.imageSmoothingEnabled = !look.cells;
    context.drawImage(layer.canvas, left, top, w, h);
    context.globalAlpha = 1;
    context.save();
    context.translate(left, top);
    context.scale(w, h);
    const line = ratio / w;
    if (look.contours) this.strokeContours(context, line);
    if (look.cells || this.painted.size || this.selected !== undefined) this.strokeCells(context, line);
    context.restore();
    if (this.box) this.strokeBox(context, left + w / 2, top + h / 2, (this.box * w) / 2, ratio);
  }

  strokeContours(context, line) {
    const { values, width, height } = this.layers.true;
    this.paths ??= LEVELS.map((level) => contour(values, width, height, level * this.scale));
    this.paths.forEach((path, index) => {
      context.lineWidth = line * 3;
      context.strokeStyle = "rgba(255,255,255,0.6)";
      context.stroke(path);
      context.lineWidth = line * 1.2;
      context.strokeStyle = LEVELS[index] > 0 ? "rgb(150,60,0)" : "rgb(0,80,95)";
      context.stroke(path);
    });
  }

  strokeCells(context, line) {
    const [rows, columns] = [this.cells.length, this.cells[0].length];
    if (this.look.cells) {
      context.beginPath();
      for (let row = 1; row < rows; row += 1) { context.moveTo(0, row / rows); context.lineTo(1, row / rows); }
      for (let column = 1; column < columns; column += 1) {
        context.moveTo(column / columns, 0);
        context.lineTo(column / columns, 1);
      }
      context.lineWidth = line;
      context.strokeStyle = "rgba(255,255,255,0.45)";
      context.stroke();
    }
    context.fillStyle = "rgba(90,90,90,0.75)";
    this.painted.forEach((index) =>
      context.fillRect((index % columns) / columns, Math.floor(index / columns) / rows, 1 / columns, 1 / rows));
    if (this.selected === undefined) return;
    const at = [(this.selected % columns) / columns, Math.floor(this.selected / columns) / rows];
    for (const [wide, colour] of [[4, "black"], [2, "white"]]) {
      context.lineWidth = line * wide;
      context.strokeStyle = colour;
      context.strokeRect(...at, 1 / columns, 1 / rows);
    }
  }

  strokeBox(context, x, y, half, ratio) {
    for (const [wide, colour] of [[3, "black"], [1, "white"]]) {
      context.lineWidth = wide * ratio;
      context.strokeStyle = colour;
      context.strokeRect(x - half, y - half, 2 * half, 2 * half);
    }
  }

  // The picture with its map and legend, as it is set, on a canvas of its own.
  withLegend(caption) {
    const width = Math.max(640, this.picture.naturalWidth);
    const tall = Math.round((width * this.picture.naturalHeight) / this.picture.naturalWidth);
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height: tall + 76 });
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, width, canvas.height);
    const before = [this.selected, this.painted];
    [this.selected, this.painted] = [undefined, new Set()];
    this.paintLayers(context, { left: 0, top: 0, w: width, h: tall }, 1);
    [this.selected, this.painted] = before;
    const scale = context.createLinearGradient(120, 0, width - 120, 0);
    scale.addColorStop(0, "rgb(0,150,170)");
    scale.addColorStop(0.5, "white");
    scale.addColorStop(1, "rgb(255,128,0)");
    context.fillStyle = scale;
    context.fillRect(120, tall + 10, width - 240, 14);
    context.fillStyle = "black";
    context.font = "14px sans-serif";
    context.fillText("against", 40, tall + 22);
    context.fillText("for", width - 110, tall + 22);
    caption.forEach((text, index) => context.fillText(text, 10, tall + 44 + 20 * index, width - 20));
    return canvas;
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
    if (!this.picture) return undefined;
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
    const [rows, columns] = [this.cells.length, this.cells[0].length];
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (step && event.shiftKey) this.move(step[0] / (8 * this.zoom), step[1] / (8 * this.zoom));
    else if (step) {
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
