// What is painted on the evidence viewer's canvas, from the picture at the bottom to the outlines on top.

import { contour } from "./heatmap.js";

const LEVELS = [-0.75, -0.5, -0.25, 0.25, 0.5, 0.75]; // of the scale, where contours run
const OUTLINE = [[3, "black"], [1, "white"]]; // width and colour: seen on black as well as on white

// Paints a view's layers into a frame { left, top, w, h }; `ratio` is device pixels per CSS pixel.
export function paintLayers(context, view, { left, top, w, h }, ratio) {
  const { look } = view;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.filter = `grayscale(${look.grey ? 1 : 0}) brightness(${look.brightness}%) contrast(${look.contrast}%)`;
  context.drawImage(view.picture, left, top, w, h);
  context.filter = "none";
  if (view.cells) {
    context.globalAlpha = look.opacity;
    context.imageSmoothingEnabled = !look.cells;
    context.drawImage(view.layers[!look.cells].canvas, left, top, w, h);
    context.globalAlpha = 1;
  }
  context.save();
  context.translate(left, top);
  context.scale(w, h);
  const line = ratio / w;
  if (view.cells && look.contours) strokeContours(context, view, line);
  if (view.cells) strokeCells(context, view, line);
  context.restore();
  if (view.outline && look.lungs) strokeOutline(context, view.outline, { left, top, w, h }, ratio);
  if (view.box) strokeBox(context, left + w / 2, top + h / 2, (view.box * w) / 2, (view.box * h) / 2, ratio);
}

function strokeContours(context, view, line) {
  const { values, width, height } = view.layers.true;
  view.paths ??= LEVELS.map((level) => contour(values, width, height, level * view.scale));
  view.paths.forEach((path, index) => {
    context.lineWidth = line * 3;
    context.strokeStyle = "rgba(255,255,255,0.6)";
    context.stroke(path);
    context.lineWidth = line * 1.2;
    context.strokeStyle = LEVELS[index] > 0 ? "rgb(150,60,0)" : "rgb(0,80,95)";
    context.stroke(path);
  });
}

// The model's own grid, the painted cells and the one that is read.
function strokeCells(context, { cells, look, painted, selected }, line) {
  const [rows, columns] = [cells.length, cells[0].length];
  if (look.cells) {
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
  painted.forEach((index) =>
    context.fillRect((index % columns) / columns, Math.floor(index / columns) / rows, 1 / columns, 1 / rows));
  if (selected === undefined) return;
  const at = [(selected % columns) / columns, Math.floor(selected / columns) / rows];
  for (const [wide, colour] of [[4, "black"], [2, "white"]]) {
    context.lineWidth = line * wide;
    context.strokeStyle = colour;
    context.strokeRect(...at, 1 / columns, 1 / rows);
  }
}

// Polygons whose corners are fractions of the picture's sides.
function strokeOutline(context, polygons, { left, top, w, h }, ratio) {
  const path = new Path2D();
  for (const polygon of polygons) {
    polygon.forEach(([x, y], index) => path[index ? "lineTo" : "moveTo"](left + x * w, top + y * h));
    path.closePath();
  }
  context.lineJoin = "round";
  for (const [wide, colour] of OUTLINE) {
    context.lineWidth = wide * ratio;
    context.strokeStyle = colour;
    context.stroke(path);
  }
}

function strokeBox(context, x, y, halfWidth, halfHeight, ratio) {
  for (const [wide, colour] of OUTLINE) {
    context.lineWidth = wide * ratio;
    context.strokeStyle = colour;
    context.strokeRect(x - halfWidth, y - halfHeight, 2 * halfWidth, 2 * halfHeight);
  }
}

// Returns a view's picture with its map and legend, as it is set, on a canvas of its own.
export function withLegend(view, caption) {
  const [from, to] = view.size;
  const width = Math.max(640, from);
  const tall = Math.round((width * to) / from);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height: tall + 76 });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, canvas.height);
  const plain = Object.assign(Object.create(view), { selected: undefined, painted: new Set() });
  paintLayers(context, plain, { left: 0, top: 0, w: width, h: tall }, 1);
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
