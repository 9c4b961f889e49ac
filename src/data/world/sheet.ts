// Draws and describes sheets: papers with coloured shapes, at most one in a cell of the grid.
// A sheet is plain data; drawing it needs nothing else, so one sheet is one picture, byte for byte.

import { createPrng, type Prng } from '../../lib/prng';
import { scaledLab } from './colour_words';
import { fractalNoise, toNoisyBytes } from './fractal_noise';
import { CELL_NAMES, CELL_SIDE, GRID_SIDE, IMAGE_SIDE } from './grid';
import { drawColour, type Rgb } from './palette';
import { COLOURS, type Colour, SHAPES, type Shape } from './world_words';

/** One drawn object. Lengths are pixels. */
export interface SheetObject {
  /** Index into the grid's cells, in raster order. */
  readonly cell: number;
  readonly colour: Colour;
  readonly shape: Shape;
  readonly rgb: Rgb;
  /** Centre, from the middle of the cell. */
  readonly dx: number;
  readonly dy: number;
  /** From the centre to the farthest point. */
  readonly radius: number;
  /** Radians. */
  readonly rotation: number;
  /** Width of the soft edge. */
  readonly softness: number;
  /** Colour of the contour; absent for none. */
  readonly contour?: Rgb;
}

/** What the objects lie on. */
export interface Paper {
  /** Colours of the four corners: top left, top right, bottom left, bottom right; mixed in between. */
  readonly corners: readonly [Rgb, Rgb, Rgb, Rgb];
  /** Strength of the fractal texture in levels; 0 for none. */
  readonly texture: number;
  /** Lines between the cells, by how much darker they are in levels; 0 for none. */
  readonly lines: number;
}

/** A sheet: objects in raster order of their cells, and what the drawing adds. */
export interface Sheet {
  readonly kind: 'sheet';
  readonly objects: readonly SheetObject[];
  readonly paper: Paper;
  /** Standard deviation of the pixel noise in levels. */
  readonly noise: number;
  /** Seeds texture and noise. */
  readonly noiseSeed: number;
}

/** Least distance of an object's colour from the paper's in scaled OKLab: nearer ones could not be seen. */
const LEAST_CONTRAST = 0.14;
/** Share of sheets with more than 9 objects. */
const CROWDS = 0.1;

/** Shuffles `items` in place (Fisher-Yates) and returns them. */
export function shuffle<T>(items: T[], prng: Prng): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = prng.nextInt(i + 1);
    const held = items[i] as T;
    items[i] = items[j] as T;
    items[j] = held;
  }
  return items;
}

function drawPaleColour(prng: Prng): Rgb {
  const level = prng.uniform(208, 252);
  const channel = () => Math.max(180, Math.min(255, level + prng.uniform(-24, 24)));
  return [channel(), channel(), channel()];
}

/** White 30 %, tinted 15 %, gradient 30 %, textured 25 %; some with lines between the cells. */
function drawPaper(prng: Prng): Paper {
  const roll = prng.nextFloat();
  const lines = prng.nextFloat() < 0.12 ? prng.uniform(12, 70) : 0;
  if (roll < 0.3) {
    const level = prng.nextFloat() < 0.5 ? 255 : prng.uniform(242, 255);
    const white: Rgb = [level, level, level];
    return { corners: [white, white, white, white], texture: 0, lines };
  }
  const first = drawPaleColour(prng);
  if (roll < 0.45) return { corners: [first, first, first, first], texture: 0, lines };
  const corners = [first, drawPaleColour(prng), drawPaleColour(prng), drawPaleColour(prng)] as const;
  if (roll < 0.75) return { corners, texture: 0, lines };
  const flat = prng.nextFloat() < 0.5;
  return { corners: flat ? [first, first, first, first] : corners, texture: prng.uniform(4, 18), lines };
}

function distance(p: Rgb, q: Rgb): number {
  const [l, a, b] = scaledLab(...p);
  const [m, c, d] = scaledLab(...q);
  return Math.hypot(l - m, a - c, b - d);
}

/** A colour of the word that stands out from the paper. */
function drawInk(colour: Colour, paper: Paper, prng: Prng): Rgb {
  for (;;) {
    const rgb = drawColour(colour, prng);
    if (paper.corners.every((corner) => distance(rgb, corner) >= LEAST_CONTRAST)) return rgb;
  }
}

function drawObject(cell: number, colour: Colour, shape: Shape, paper: Paper, prng: Prng): SheetObject {
  const radius = prng.uniform(4.4, 7);
  const room = CELL_SIDE / 2 - radius - 0.4;
  const rgb = drawInk(colour, paper, prng);
  const contour = prng.nextFloat() < 0.2;
  const darker = prng.nextFloat() < 0.5 ? 0 : 0.5;
  return {
    cell,
    colour,
    shape,
    rgb,
    dx: prng.uniform(-room, room),
    dy: prng.uniform(-room, room),
    radius,
    rotation: prng.uniform(-0.4, 0.4),
    softness: prng.uniform(0.3, 1.3),
    ...(contour && colour !== 'black'
      ? { contour: [rgb[0] * darker, rgb[1] * darker, rgb[2] * darker] }
      : {}),
  };
}

/** Draws a sheet: 3 to 9 objects, or with a chance of `crowds` 10 to 16, of 2 or 3 colours and 2 or 3 shapes. */
export function drawSheet(prng: Prng, crowds = CROWDS): Sheet {
  const count = prng.nextFloat() < crowds ? 10 + prng.nextInt(7) : 3 + prng.nextInt(7);
  const colours = shuffle([...COLOURS], prng).slice(0, 2 + prng.nextInt(2));
  const shapes = shuffle([...SHAPES], prng).slice(0, 2 + prng.nextInt(2));
  const cells = shuffle([...CELL_NAMES.keys()], prng).slice(0, count);
  cells.sort((p, q) => p - q);
  const paper = drawPaper(prng);
  const objects = cells.map((cell) => {
    const colour = colours[prng.nextInt(colours.length)] as Colour;
    const shape = shapes[prng.nextInt(shapes.length)] as Shape;
    return drawObject(cell, colour, shape, paper, prng);
  });
  return { kind: 'sheet', objects, paper, noise: prng.uniform(0, 4), noiseSeed: prng.nextU32() };
}

const STAR_INNER = 0.45;

/** Signed distance, in radii, from the point (u, v) to the edge of a shape of radius 1, y down; negative inside. */
const SIGNED_DISTANCE: Record<Shape, (u: number, v: number) => number> = {
  circle: (u, v) => Math.hypot(u, v) - 0.95,
  square: (u, v) => Math.max(Math.abs(u), Math.abs(v)) - 0.8,
  triangle: (u, v) => Math.max(v - 0.12, 0.866 * Math.abs(u) - 0.5 * (v - 0.12)) - 0.53,
  star: (u, v) => {
    // Folded into one of ten equal wedges: the edge runs from the tip (1, 0) to the notch.
    const wedge = (2 * Math.PI) / 5;
    const angle = Math.atan2(u, -v);
    const folded = Math.abs(angle - wedge * Math.round(angle / wedge));
    const r = Math.hypot(u, v);
    const [x, y] = [r * Math.cos(folded), r * Math.sin(folded)];
    const [nx, ny] = [STAR_INNER * Math.cos(wedge / 2), STAR_INNER * Math.sin(wedge / 2)];
    return ((x - 1) * ny + y * (1 - nx)) / Math.hypot(ny, 1 - nx);
  },
  ring: (u, v) => Math.abs(Math.hypot(u, v) - 0.72) - 0.25,
  heart: (u, v) => {
    // A square on its corner and two half discs on its upper sides.
    const side = 1.12;
    const down = v - 0.08;
    const lobe = side / (2 * Math.SQRT2);
    const tip = (Math.abs(u) + Math.abs(down)) / Math.SQRT2 - side / 2;
    return Math.min(tip, Math.hypot(Math.abs(u) - lobe, down + lobe) - side / 2);
  },
};
/** Hearts point downwards, as people draw them, give or take a little. */
const STEADY: ReadonlySet<Shape> = new Set(['heart', 'triangle']);
const CONTOUR_WIDTH = 1.1;

/** An object's outline; lengths are pixels of the sheet, measured from the middle of the cell. */
export type Outline = Pick<SheetObject, 'shape' | 'dx' | 'dy' | 'radius' | 'rotation'>;

/** Distance from the point (x, y), relative to the middle of the cell, to an object's edge; negative inside of it. */
export function edgeDistance(object: Outline, x: number, y: number): number {
  const rotation = STEADY.has(object.shape) ? object.rotation / 2 : object.rotation;
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [p, q] = [(x - object.dx) / object.radius, (y - object.dy) / object.radius];
  return object.radius * SIGNED_DISTANCE[object.shape](cos * p + sin * q, cos * q - sin * p);
}

/** Paints one object over the canvas, inside its own cell only. */
function paintObject(canvas: Float32Array, object: SheetObject): void {
  const left = (object.cell % GRID_SIDE) * CELL_SIDE;
  const top = Math.floor(object.cell / GRID_SIDE) * CELL_SIDE;
  for (let j = 0; j < CELL_SIDE; j++) {
    for (let i = 0; i < CELL_SIDE; i++) {
      const edge = edgeDistance(object, i + 0.5 - CELL_SIDE / 2, j + 0.5 - CELL_SIDE / 2);
      const cover = Math.max(0, Math.min(1, 0.5 - edge / object.softness));
      if (cover === 0) continue;
      const rgb = object.contour !== undefined && edge > -CONTOUR_WIDTH ? object.contour : object.rgb;
      const at = ((top + j) * IMAGE_SIDE + left + i) * 3;
      for (let c = 0; c < 3; c++) canvas[at + c]! += cover * (rgb[c]! - canvas[at + c]!);
    }
  }
}

function paintPaper(canvas: Float32Array, { corners, texture, lines }: Paper, prng: Prng): void {
  const field = texture > 0 ? fractalNoise(IMAGE_SIDE, 4, 4, 0.75, prng) : null;
  for (let y = 0; y < IMAGE_SIDE; y++) {
    const t = y / (IMAGE_SIDE - 1);
    for (let x = 0; x < IMAGE_SIDE; x++) {
      const s = x / (IMAGE_SIDE - 1);
      const pixel = y * IMAGE_SIDE + x;
      const onLine = (x % CELL_SIDE === 0 && x > 0) || (y % CELL_SIDE === 0 && y > 0);
      const offset = (field === null ? 0 : texture * field[pixel]!) - (onLine ? lines : 0);
      for (let c = 0; c < 3; c++) {
        const upper = corners[0][c]! + s * (corners[1][c]! - corners[0][c]!);
        const lower = corners[2][c]! + s * (corners[3][c]! - corners[2][c]!);
        canvas[pixel * 3 + c] = upper + t * (lower - upper) + offset;
      }
    }
  }
}

/** Draws the sheet: RGB bytes [64, 64, 3], row-major. Objects are clipped to their cells. */
export function renderSheet(sheet: Sheet): Uint8Array {
  const canvas = new Float32Array(IMAGE_SIDE * IMAGE_SIDE * 3);
  const prng = createPrng(sheet.noiseSeed);
  paintPaper(canvas, sheet.paper, prng);
  for (const object of sheet.objects) paintObject(canvas, object);
  return toNoisyBytes(canvas, sheet.noise, prng);
}

/** The sheet without drawing detail: `a1 red circle|b2 blue square`. Sheets with equal keys are the same sheet. */
export function canonicalKey(sheet: Sheet): string {
  return sheet.objects.map((o) => `${CELL_NAMES[o.cell]} ${o.colour} ${o.shape}`).join('|');
}
