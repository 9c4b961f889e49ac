// Generates pictures that stand in for photographs: dead leaves, clouds, layers and flat designs, by seed.
// Dead leaves (Matheron 1968; Lee, Mumford and Huang, "Occlusion models for natural images", 2001) overlap shapes of
// power-law sizes and have the edges of photographs; fractal noise has their textures. Exposure, shading, blur and
// sensor noise come on top. Real photographs are never trained on.

import { createPrng, type Prng } from '../../lib/prng';
import { COLOUR_WORDS } from './colour_words';
import { fractalNoise, toNoisyBytes } from './fractal_noise';
import { IMAGE_SIDE } from './grid';
import { drawColour, type Rgb } from './palette';

/** A generated photograph: the seed says everything. */
export interface Photograph {
  readonly kind: 'photograph';
  readonly seed: number;
}

const SIDE = IMAGE_SIDE;

/**
 * Two to six colours, any word as likely as another, sometimes a free colour between the words. Half of the palettes are
 * muted towards one common colour, as light and air do outdoors.
 */
function drawPalette(prng: Prng): Rgb[] {
  const air = drawColour(COLOUR_WORDS[prng.nextInt(COLOUR_WORDS.length)]!, prng);
  const muted = prng.nextFloat() < 0.5 ? prng.uniform(0.1, 0.6) : 0;
  return Array.from({ length: 2 + prng.nextInt(5) }, (): Rgb => {
    const free = prng.nextFloat() < 0.12;
    const own: Rgb = free
      ? [prng.nextInt(256), prng.nextInt(256), prng.nextInt(256)]
      : drawColour(COLOUR_WORDS[prng.nextInt(COLOUR_WORDS.length)]!, prng);
    return [0, 1, 2].map(
      (c) => own[c]! + muted * prng.uniform(0.5, 1) * (air[c]! - own[c]!),
    ) as unknown as Rgb;
  });
}

function shade(rgb: Rgb, amount: number): Rgb {
  return [rgb[0] * amount, rgb[1] * amount, rgb[2] * amount];
}

function fill(canvas: Float32Array, rgb: Rgb): void {
  for (let i = 0; i < canvas.length; i++) canvas[i] = rgb[i % 3]!;
}

/** One leaf: an ellipse, a rectangle or a rhombus with a soft edge and its own slope of light. */
function paintLeaf(canvas: Float32Array, rgb: Rgb, size: number, prng: Prng): void {
  const [cx, cy] = [prng.uniform(-4, SIDE + 4), prng.uniform(-4, SIDE + 4)];
  const angle = prng.uniform(0, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [rx, ry] = [size * prng.uniform(0.7, 1.4), size * prng.uniform(0.5, 1.1)];
  const form = prng.nextInt(3);
  const [slopeX, slopeY] = [prng.uniform(-0.25, 0.25) / rx, prng.uniform(-0.25, 0.25) / ry];
  const reach = Math.ceil(1.45 * Math.max(rx, ry)) + 1;
  const [left, right] = [Math.max(0, Math.floor(cx - reach)), Math.min(SIDE - 1, Math.ceil(cx + reach))];
  const [top, bottom] = [Math.max(0, Math.floor(cy - reach)), Math.min(SIDE - 1, Math.ceil(cy + reach))];
  const least = Math.min(rx, ry);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const u = cos * (x + 0.5 - cx) + sin * (y + 0.5 - cy);
      const v = cos * (y + 0.5 - cy) - sin * (x + 0.5 - cx);
      const [p, q] = [Math.abs(u) / rx, Math.abs(v) / ry];
      const norm = form === 0 ? Math.sqrt(p * p + q * q) : form === 1 ? Math.max(p, q) : p + q;
      const cover = Math.max(0, Math.min(1, 0.5 - (norm - 1) * least));
      if (cover === 0) continue;
      const light = 1 + slopeX * u + slopeY * v;
      const at = (y * SIDE + x) * 3;
      for (let c = 0; c < 3; c++) canvas[at + c]! += cover * (rgb[c]! * light - canvas[at + c]!);
    }
  }
}

function paintLeaves(canvas: Float32Array, palette: readonly Rgb[], prng: Prng): void {
  fill(canvas, palette[0]!);
  const count = 12 + prng.nextInt(32);
  const least = prng.uniform(3, 9);
  for (let i = 0; i < count; i++) {
    // Sizes by a power law: large leaves first, so that small ones are not all hidden.
    const size = Math.min(40, (least * Math.sqrt(count)) / Math.sqrt(i + 1 + 2 * prng.nextFloat()));
    const rgb = shade(palette[prng.nextInt(palette.length)]!, prng.uniform(0.8, 1.15));
    paintLeaf(canvas, rgb, size, prng);
  }
}

/** Two or three colours mixed by a fractal field: clouds, foliage, water. */
function paintClouds(canvas: Float32Array, palette: readonly Rgb[], prng: Prng): void {
  const field = fractalNoise(SIDE, 1 + prng.nextInt(4), 5, prng.uniform(0.4, 0.7), prng);
  const steepness = prng.uniform(1, 6);
  const colours = palette.slice(0, 3);
  for (let i = 0; i < field.length; i++) {
    const place = Math.max(0, Math.min(0.9999, 0.5 + (field[i]! * steepness) / 4)) * (colours.length - 1);
    const [from, part] = [Math.floor(place), place - Math.floor(place)];
    const next = colours[from + 1] ?? colours[from]!;
    for (let c = 0; c < 3; c++)
      canvas[i * 3 + c] = colours[from]![c]! + part * (next[c]! - colours[from]![c]!);
  }
}

/** Layers from top to bottom with uneven borders: sky, land, water. Each has a slope of light. */
function paintLayers(canvas: Float32Array, palette: readonly Rgb[], prng: Prng): void {
  fill(canvas, palette[0]!);
  const layers = 1 + prng.nextInt(3);
  for (let layer = 0; layer < layers; layer++) {
    const rgb = palette[(layer + 1) % palette.length]!;
    const field = fractalNoise(SIDE, 2, 5, 0.5, prng);
    const level = prng.uniform(0.1, 0.9) * SIDE;
    const rough = prng.uniform(0, 12);
    const [softness, slope] = [prng.uniform(0.7, 5), prng.uniform(-0.35, 0.35) / SIDE];
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const depth = y - level - rough * field[x]!;
        const cover = Math.max(0, Math.min(1, 0.5 + depth / softness));
        const at = (y * SIDE + x) * 3;
        for (let c = 0; c < 3; c++)
          canvas[at + c]! += cover * (rgb[c]! * (1 + slope * depth) - canvas[at + c]!);
      }
    }
  }
  const things = prng.nextInt(8);
  for (let i = 0; i < things; i++)
    paintLeaf(canvas, palette[prng.nextInt(palette.length)]!, prng.uniform(3, 14), prng);
}

/** Upright rectangles on a ground: screens, posters, documents, painted squares. */
function paintDesign(canvas: Float32Array, palette: readonly Rgb[], prng: Prng): void {
  fill(canvas, palette[0]!);
  const count = 2 + prng.nextInt(14);
  for (let i = 0; i < count; i++) {
    const rgb = palette[prng.nextInt(palette.length)]!;
    const [width, height] = [prng.uniform(4, 44), prng.uniform(3, 34)];
    const [left, top] = [prng.uniform(-8, SIDE - 4), prng.uniform(-8, SIDE - 4)];
    for (let y = Math.max(0, Math.round(top)); y < Math.min(SIDE, top + height); y++) {
      for (let x = Math.max(0, Math.round(left)); x < Math.min(SIDE, left + width); x++) {
        for (let c = 0; c < 3; c++) canvas[(y * SIDE + x) * 3 + c] = rgb[c]!;
      }
    }
  }
}

/** A pass of [1 2 1] / 4 along rows and columns. */
function blur(canvas: Float32Array): void {
  const step = (at: number, before: number, after: number) => {
    return 0.25 * canvas[before]! + 0.5 * canvas[at]! + 0.25 * canvas[after]!;
  };
  for (const [stride, along] of [
    [3, SIDE * 3],
    [SIDE * 3, 3],
  ] as const) {
    const line = new Float32Array(SIDE);
    for (let c = 0; c < 3; c++) {
      for (let j = 0; j < SIDE; j++) {
        const start = j * along + c;
        for (let i = 0; i < SIDE; i++) {
          line[i] = step(
            start + i * stride,
            start + Math.max(0, i - 1) * stride,
            start + Math.min(SIDE - 1, i + 1) * stride,
          );
        }
        for (let i = 0; i < SIDE; i++) canvas[start + i * stride] = line[i]!;
      }
    }
  }
}

/** Texture, vignette or slanted light, exposure. */
function expose(canvas: Float32Array, prng: Prng): void {
  const texture = prng.nextFloat() < 0.7 ? prng.uniform(0, 0.22) : 0;
  const field = fractalNoise(SIDE, 4 + prng.nextInt(8), 3, 0.8, prng);
  const exposure = prng.nextFloat() < 0.5 ? 1 : prng.uniform(0.72, 1.25);
  const [slopeX, slopeY] = [prng.uniform(-0.2, 0.2), prng.uniform(-0.2, 0.2)];
  const haze = prng.nextFloat() < 0.15 ? prng.uniform(0, 0.3) : 0;
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    const [x, y] = [(pixel % SIDE) / SIDE - 0.5, Math.floor(pixel / SIDE) / SIDE - 0.5];
    const light = exposure * (1 + slopeX * x + slopeY * y) * (1 + texture * field[pixel]!);
    for (let c = 0; c < 3; c++) {
      const level = canvas[pixel * 3 + c]! * light;
      canvas[pixel * 3 + c] = level + haze * (190 - level);
    }
  }
}

/** Draws the photograph: RGB bytes [64, 64, 3], row-major. */
export function renderPhotograph({ seed }: Photograph): Uint8Array {
  const prng = createPrng(0x9407, seed);
  const canvas = new Float32Array(SIDE * SIDE * 3);
  const palette = drawPalette(prng);
  const roll = prng.nextFloat();
  if (roll < 0.5) paintLeaves(canvas, palette, prng);
  else if (roll < 0.7) paintClouds(canvas, palette, prng);
  else if (roll < 0.88) paintLayers(canvas, palette, prng);
  else paintDesign(canvas, palette, prng);
  if (prng.nextFloat() < 0.4) for (let pass = 1 + prng.nextInt(3); pass > 0; pass--) blur(canvas);
  if (roll < 0.88) expose(canvas, prng);
  return toNoisyBytes(canvas, prng.nextFloat() < 0.3 ? 0 : prng.uniform(0, 6), prng);
}
