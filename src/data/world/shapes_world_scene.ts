// Draws the pictures of the shapes world: chooses which objects lie in which cell of a 3×3 sheet, and paints them. A
// scene is plain data; drawing it needs nothing else, so one scene is one picture, byte for byte.

import { createPrng, type Prng } from '../../lib/prng';

/** Cells per side of the sheet. */
export const GRID_SIDE = 3;
/** Pixels per side of the square picture. */
export const IMAGE_SIDE = 48;
/** Cell names in raster order: row letter, column digit. */
export const CELL_NAMES = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3'] as const;
/** The colours of objects. */
export const COLOURS = ['red', 'green', 'blue', 'yellow'] as const;
/** The shapes of objects. */
export const SHAPES = ['circle', 'square', 'triangle'] as const;

/** One of {@link COLOURS}. */
export type Colour = (typeof COLOURS)[number];
/** One of {@link SHAPES}. */
export type Shape = (typeof SHAPES)[number];

/** One drawn object. Lengths are pixels, `rotation` is radians, `jitter` is added to the colour's RGB. */
export interface SceneObject {
  /** Index into {@link CELL_NAMES}. */
  readonly cell: number;
  readonly colour: Colour;
  readonly shape: Shape;
  readonly jitter: readonly [number, number, number];
  readonly dx: number;
  readonly dy: number;
  readonly radius: number;
  readonly rotation: number;
}

/** A sheet: objects in raster order of their cells (at most one per cell), and what the drawing adds. */
export interface Scene {
  readonly objects: readonly SceneObject[];
  /** Added to every channel of the background. */
  readonly backgroundOffset: number;
  /** Seeds the pixel noise. */
  readonly noiseSeed: number;
}

const COLOUR_RGB: Record<Colour, readonly [number, number, number]> = {
  red: [220, 50, 47],
  green: [60, 170, 70],
  blue: [40, 90, 210],
  yellow: [240, 200, 40],
};
const CELL_SIDE = IMAGE_SIDE / GRID_SIDE;
const NOISE_SIGMA = 4;
// The sum of four uniform bytes: mean 510, variance 4·(256²−1)/12.
const BYTE_SUM_MEAN = 510;
const BYTE_SUM_SIGMA = Math.sqrt((4 * (65536 - 1)) / 12);

/** Shuffles `items` in place (Fisher-Yates) and returns them. */
function shuffle<T>(items: T[], prng: Prng): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = prng.nextInt(i + 1);
    const held = items[i] as T;
    items[i] = items[j] as T;
    items[j] = held;
  }
  return items;
}

/** Draws a scene: 3 to 9 objects in distinct cells, from 2 or 3 colours and 2 or 3 shapes. */
export function drawScene(prng: Prng): Scene {
  const count = 3 + prng.nextInt(7);
  const colours = shuffle([...COLOURS], prng).slice(0, 2 + prng.nextInt(2));
  const shapes = shuffle([...SHAPES], prng).slice(0, 2 + prng.nextInt(2));
  const cells = shuffle([...CELL_NAMES.keys()], prng).slice(0, count);
  cells.sort((p, q) => p - q);
  const objects = cells.map((cell): SceneObject => {
    const colour = colours[prng.nextInt(colours.length)] as Colour;
    const shape = shapes[prng.nextInt(shapes.length)] as Shape;
    return {
      cell,
      colour,
      shape,
      jitter: [prng.uniform(-18, 18), prng.uniform(-18, 18), prng.uniform(-18, 18)],
      dx: prng.uniform(-1.5, 1.5),
      dy: prng.uniform(-1.5, 1.5),
      radius: prng.uniform(4.5, 6),
      rotation: prng.uniform(-0.3, 0.3),
    };
  });
  return { objects, backgroundOffset: prng.uniform(-4, 4), noiseSeed: prng.nextU32() };
}

/** True where the point (x, y), relative to the object's centre, y down, lies inside the object. */
function covers(object: SceneObject, x: number, y: number): boolean {
  const r = object.radius;
  if (object.shape === 'circle') return x * x + y * y <= r * r;
  const cos = Math.cos(object.rotation);
  const sin = Math.sin(object.rotation);
  const u = cos * x + sin * y;
  const v = cos * y - sin * x;
  if (object.shape === 'square') return Math.abs(u) <= 0.86 * r && Math.abs(v) <= 0.86 * r;
  return v <= 0.62 * r && v >= 1.73 * Math.abs(u) - 1.05 * r;
}

/**
 * Draws the scene: RGB bytes [48, 48, 3], row-major. Hard masks clipped to the cell, then near-normal noise of
 * standard deviation 4 per channel (the sum of four random bytes: the same in every engine), then clipping.
 * The background slopes in red and blue because Qwen2.5-VL has no absolute position of its own for a patch.
 */
export function renderScene(scene: Scene): Uint8Array {
  const canvas = new Float64Array(IMAGE_SIDE * IMAGE_SIDE * 3);
  const slope = 48 / (IMAGE_SIDE - 1);
  for (let y = 0; y < IMAGE_SIDE; y++) {
    for (let x = 0; x < IMAGE_SIDE; x++) {
      const at = (y * IMAGE_SIDE + x) * 3;
      canvas[at] = 205 + slope * x + scene.backgroundOffset;
      canvas[at + 1] = 236 + scene.backgroundOffset;
      canvas[at + 2] = 205 + slope * y + scene.backgroundOffset;
    }
  }
  for (const object of scene.objects) paintObject(canvas, object);
  const noise = createPrng(scene.noiseSeed);
  const scale = NOISE_SIGMA / BYTE_SUM_SIGMA;
  const pixels = new Uint8Array(canvas.length);
  for (let i = 0; i < pixels.length; i++) {
    const bits = noise.nextU32();
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    const value = Math.round(canvas[i]! + (sum - BYTE_SUM_MEAN) * scale);
    pixels[i] = Math.max(0, Math.min(255, value));
  }
  return pixels;
}

/** Paints one object over the canvas, inside its own cell only. */
function paintObject(canvas: Float64Array, object: SceneObject): void {
  const left = (object.cell % GRID_SIDE) * CELL_SIDE;
  const top = Math.floor(object.cell / GRID_SIDE) * CELL_SIDE;
  const rgb = COLOUR_RGB[object.colour];
  for (let j = 0; j < CELL_SIDE; j++) {
    for (let i = 0; i < CELL_SIDE; i++) {
      const x = i + 0.5 - (CELL_SIDE / 2 + object.dx);
      const y = j + 0.5 - (CELL_SIDE / 2 + object.dy);
      if (!covers(object, x, y)) continue;
      const at = ((top + j) * IMAGE_SIDE + left + i) * 3;
      for (let c = 0; c < 3; c++) canvas[at + c] = rgb[c]! + object.jitter[c]!;
    }
  }
}

/** The scene without drawing detail: `a1 red circle|b2 blue square`. Scenes with equal keys are the same sheet. */
export function canonicalKey(scene: Scene): string {
  return scene.objects.map((o) => `${CELL_NAMES[o.cell]} ${o.colour} ${o.shape}`).join('|');
}
