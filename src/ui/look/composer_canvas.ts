// Draws what somebody composed as a picture of 512 × 512 pixels: shapes with smooth edges in their cells on white paper,
// and the painted strokes over them. The outlines are those of the world's own sheets, so nothing is stated twice.

import { typicalColour } from '../../data/world/colour_words';
import { CELL_SIDE, GRID_SIDE } from '../../data/world/grid';
import { edgeDistance } from '../../data/world/sheet';
import type { Composition, Placed, Stroke } from '../../state/composition';

/** Pixels per side of the picture. */
export const COMPOSED_SIDE = 512;
const CELL = COMPOSED_SIDE / GRID_SIDE;
/** Radius of a placed shape in the sheet's own pixels: as large as a cell holds. */
const RADIUS = 6.4;

/**
 * A placed shape as RGBA bytes [128, 128, 4] of its cell, transparent around it; alpha is the part of a pixel that the
 * shape covers.
 */
export function shapePixels({ shape, colour }: Placed): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(CELL * CELL * 4);
  const [red, green, blue] = typicalColour(colour);
  const scale = CELL_SIDE / CELL;
  const object = { shape, radius: RADIUS, dx: 0, dy: 0, rotation: 0 };
  for (let y = 0; y < CELL; y++) {
    for (let x = 0; x < CELL; x++) {
      const u = (x + 0.5) * scale - CELL_SIDE / 2;
      const v = (y + 0.5) * scale - CELL_SIDE / 2;
      const cover = 0.5 - edgeDistance(object, u, v) / scale;
      pixels.set([red, green, blue, 255 * Math.max(0, Math.min(1, cover))], (y * CELL + x) * 4);
    }
  }
  return pixels;
}

/** Draws a composition onto a canvas of {@link COMPOSED_SIDE} pixels per side. */
export function drawComposition(canvas: HTMLCanvasElement, { cells, strokes }: Composition): void {
  canvas.width = COMPOSED_SIDE;
  canvas.height = COMPOSED_SIDE;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return;
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, COMPOSED_SIDE, COMPOSED_SIDE);
  for (const [i, placed] of cells.entries()) {
    if (placed === null) continue;
    const left = (i % GRID_SIDE) * CELL;
    const top = Math.floor(i / GRID_SIDE) * CELL;
    drawShape(context, placed, left, top);
  }
  for (const stroke of strokes) drawStroke(context, stroke);
}

function drawShape(context: CanvasRenderingContext2D, placed: Placed, left: number, top: number): void {
  const pixels = shapePixels(placed);
  const under = context.getImageData(left, top, CELL, CELL);
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = (pixels[at + 3] ?? 0) / 255;
    for (let c = at; c < at + 3; c++) {
      under.data[c] = (under.data[c] ?? 0) * (1 - alpha) + (pixels[c] ?? 0) * alpha;
    }
  }
  context.putImageData(under, left, top);
}

function drawStroke(context: CanvasRenderingContext2D, { colour, width, points }: Stroke): void {
  context.strokeStyle = `rgb(${typicalColour(colour).join(' ')})`;
  context.lineWidth = width * COMPOSED_SIDE;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.beginPath();
  for (const [i, [x, y]] of points.entries()) {
    if (i === 0) context.moveTo(x * COMPOSED_SIDE, y * COMPOSED_SIDE);
    // A press without a drag is a dot: a line of no length with round ends.
    context.lineTo(x * COMPOSED_SIDE, y * COMPOSED_SIDE);
  }
  context.stroke();
}

/** The canvas as a PNG file. */
export function pictureFile(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error('This browser could not make a picture of the sheet.'));
      else resolve(blob);
    }, 'image/png');
  });
}
