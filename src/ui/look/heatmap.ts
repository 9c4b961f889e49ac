// Draws the picture as the model sees it and the attention map over it, on two 2-D canvases. Cell (row, column) of an
// R × C grid covers exactly the fractions [row/R, (row+1)/R] × [column/C, …] of what is seen, whatever the picture's shape
// and the screen's pixel density.

import { squareCrop } from '../../data/image/square_crop';
import { cssColour, rampColour } from './colour_ramp';

/** A rectangle in canvas pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Longest side of the canvases, in pixels. */
const CANVAS_SIDE = 768;
/** Part of the opacity that dimmed cells have. */
const DIMMED = 0.15;
/** Grids up to this many cells show their lines and numbers. */
const LABELLED_CELLS = 36;

/** Size of the canvas for what is seen of `width` × `height`: the longer side becomes the canvas's side. */
export function canvasSize(width: number, height: number): { width: number; height: number } {
  const scale = CANVAS_SIDE / Math.max(width, height);
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** The rectangle of one cell; neighbours share their edge exactly. */
export function cellRect(
  row: number,
  column: number,
  grid: readonly [number, number],
  width: number,
  height: number,
): Rect {
  const x = Math.round((column / grid[1]) * width);
  const y = Math.round((row / grid[0]) * height);
  const right = Math.round(((column + 1) / grid[1]) * width);
  const bottom = Math.round(((row + 1) / grid[0]) * height);
  return { x, y, width: right - x, height: bottom - y };
}

/**
 * The cell under a point of a box in which a picture of `width` × `height` is shown as large as it fits, in the middle; the
 * nearest one for a point beside the picture.
 */
export function cellAt(
  x: number,
  y: number,
  box: { readonly width: number; readonly height: number },
  shown: { readonly grid: readonly [number, number]; readonly width: number; readonly height: number },
): readonly [row: number, column: number] {
  const scale = Math.min(box.width / shown.width, box.height / shown.height);
  const part = (at: number, whole: number, side: number) =>
    (at - (whole - side * scale) / 2) / (side * scale);
  const place = (fraction: number, count: number) =>
    Math.min(Math.max(Math.floor(fraction * count), 0), count - 1);
  return [
    place(part(y, box.height, shown.height), shown.grid[0]),
    place(part(x, box.width, shown.width), shown.grid[1]),
  ];
}

/** What is seen of a picture, its middle of a `square` one, in the model's own resolution. */
export function receivedPixels(
  bitmap: ImageBitmap,
  square: boolean,
  { width, height }: { readonly width: number; readonly height: number },
): OffscreenCanvas {
  const { left, top, side } = squareCrop(bitmap.width, bitmap.height);
  const [x, y, wide, high] = square ? [left, top, side, side] : [0, 0, bitmap.width, bitmap.height];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context !== null) {
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, x, y, wide, high, 0, 0, width, height);
  }
  return canvas;
}

/** Draws the middle square of a picture, small. */
export function drawThumbnail(canvas: HTMLCanvasElement, bitmap: ImageBitmap): void {
  const { left, top, side } = squareCrop(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, left, top, side, side, 0, 0, canvas.width, canvas.height);
}

/**
 * Draws the picture, of a `square` one its middle; `resized` draws it at the model's own resolution, pixels visible.
 */
export function drawPicture(
  canvas: HTMLCanvasElement,
  bitmap: ImageBitmap,
  square: boolean,
  resized: { readonly width: number; readonly height: number } | null,
): void {
  const { left, top, side } = squareCrop(bitmap.width, bitmap.height);
  const [x, y, wide, high] = square ? [left, top, side, side] : [0, 0, bitmap.width, bitmap.height];
  const { width, height } = canvasSize(wide, high);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.imageSmoothingQuality = 'high';
  if (resized === null) {
    context.drawImage(bitmap, x, y, wide, high, 0, 0, width, height);
    return;
  }
  context.imageSmoothingEnabled = false;
  context.drawImage(receivedPixels(bitmap, square, resized), 0, 0, width, height);
}

/** What the overlay shows: a map on its grid, the value at the top of the scale, and the opacity. */
export interface Overlay {
  readonly map: Float32Array;
  readonly grid: readonly [number, number];
  readonly top: number;
  readonly opacity: number;
  /** Cells that are drawn faintly. */
  readonly dimmed?: ReadonlySet<number>;
}

/** Rows and columns of cells, both ends included. */
export interface Cells {
  readonly rows: { readonly from: number; readonly to: number };
  readonly columns: { readonly from: number; readonly to: number };
}

/** Draws a dashed line around some cells over what {@link drawOverlay} drew. */
export function outlineCells(canvas: HTMLCanvasElement, grid: readonly [number, number], cells: Cells): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas;
  const first = cellRect(cells.rows.from, cells.columns.from, grid, width, height);
  const last = cellRect(cells.rows.to, cells.columns.to, grid, width, height);
  const [right, bottom] = [last.x + last.width, last.y + last.height];
  const box = [first.x + 3, first.y + 3, right - first.x - 6, bottom - first.y - 6] as const;
  context.save();
  context.lineWidth = 7;
  context.strokeStyle = '#000000';
  context.strokeRect(...box);
  context.lineWidth = 4;
  context.strokeStyle = '#ffffff';
  context.setLineDash([14, 8]);
  context.strokeRect(...box);
  context.restore();
}

function outlinePeak(context: CanvasRenderingContext2D, rect: Rect): void {
  context.lineWidth = 4;
  context.strokeStyle = 'rgba(0, 0, 0, 0.75)';
  context.strokeRect(rect.x + 3, rect.y + 3, rect.width - 6, rect.height - 6);
  context.lineWidth = 2;
  context.strokeStyle = '#ffffff';
  context.strokeRect(rect.x + 3, rect.y + 3, rect.width - 6, rect.height - 6);
}

function label(context: CanvasRenderingContext2D, rect: Rect, value: number): void {
  const size = Math.max(14, Math.min(26, rect.height * 0.12));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textAlign = 'right';
  context.textBaseline = 'bottom';
  const x = rect.x + rect.width - size * 0.5;
  const y = rect.y + rect.height - size * 0.4;
  context.lineWidth = size / 5;
  context.strokeStyle = 'rgba(0, 0, 0, 0.7)';
  context.lineJoin = 'round';
  const text = value.toFixed(2);
  context.strokeText(text, x, y);
  context.fillStyle = '#ffffff';
  context.fillText(text, x, y);
}

/** Draws the map over a canvas of the same size as the picture's; null clears it. */
export function drawOverlay(
  canvas: HTMLCanvasElement,
  size: HTMLCanvasElement,
  overlay: Overlay | null,
): void {
  if (canvas.width !== size.width) canvas.width = size.width;
  if (canvas.height !== size.height) canvas.height = size.height;
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (overlay === null) return;
  const { map, grid, top, opacity, dimmed } = overlay;
  const labelled = map.length <= LABELLED_CELLS;
  let best = -1;
  map.forEach((value, cell) => {
    const dim = dimmed?.has(cell) === true;
    if (!dim && value > (map[best] ?? 0)) best = cell;
    const rect = cellRect(Math.floor(cell / grid[1]), cell % grid[1], grid, width, height);
    context.fillStyle = cssColour(rampColour(value, top, dim ? opacity * DIMMED : opacity));
    context.fillRect(rect.x, rect.y, rect.width, rect.height);
    if (!labelled) return;
    context.strokeStyle = 'rgba(0, 0, 0, 0.18)';
    context.lineWidth = 1;
    context.strokeRect(rect.x + 0.5, rect.y + 0.5, rect.width - 1, rect.height - 1);
    if (value >= 0.005 && !dim) label(context, rect, value);
  });
  if ((map[best] ?? 0) > 0) {
    outlinePeak(context, cellRect(Math.floor(best / grid[1]), best % grid[1], grid, width, height));
  }
}

/** Draws the colour bar from 0 at the left to the top of the scale at the right. */
export function drawColourBar(canvas: HTMLCanvasElement, opacity: number): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  // A mid grey behind it stands for the picture, as the ramp is partly transparent.
  context.fillStyle = '#c9ced2';
  context.fillRect(0, 0, width, height);
  for (let x = 0; x < width; x++) {
    context.fillStyle = cssColour(rampColour(x / (width - 1), 1, opacity));
    context.fillRect(x, 0, 1, height);
  }
}
