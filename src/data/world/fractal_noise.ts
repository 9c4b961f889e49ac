// Draws smooth random fields: octaves of value noise on square lattices, each half as strong and twice as fine as the
// last (fractal noise after Perlin, "An Image Synthesizer", 1985, with lattice values in place of gradients).

import type { Prng } from '../../lib/prng';

/** Adds one octave: lattice values in [-strength, strength], smoothly interpolated. */
function addOctave(field: Float32Array, side: number, cells: number, strength: number, prng: Prng): void {
  const lattice = new Float32Array((cells + 1) ** 2);
  for (let i = 0; i < lattice.length; i++) lattice[i] = prng.uniform(-strength, strength);
  for (let y = 0; y < side; y++) {
    const v = ((y + 0.5) / side) * cells;
    const j = Math.floor(v);
    const t = (v - j) * (v - j) * (3 - 2 * (v - j));
    for (let x = 0; x < side; x++) {
      const u = ((x + 0.5) / side) * cells;
      const i = Math.floor(u);
      const s = (u - i) * (u - i) * (3 - 2 * (u - i));
      const at = j * (cells + 1) + i;
      const top = lattice[at]! + s * (lattice[at + 1]! - lattice[at]!);
      const low = lattice[at + cells + 1]! + s * (lattice[at + cells + 2]! - lattice[at + cells + 1]!);
      field[y * side + x]! += top + t * (low - top);
    }
  }
}

/**
 * A field [side, side] of fractal noise, roughly within [-1, 1].
 * @param cells lattice cells per side of the coarsest octave
 * @param falloff strength of an octave as a share of the one before
 */
export function fractalNoise(
  side: number,
  cells: number,
  octaves: number,
  falloff: number,
  prng: Prng,
): Float32Array {
  const field = new Float32Array(side * side);
  let strength = 1;
  for (let octave = 0; octave < octaves && cells << octave <= side; octave++) {
    addOctave(field, side, cells << octave, strength, prng);
    strength *= falloff;
  }
  return field;
}

// The sum of four uniform bytes: mean 510, variance 4·(256²−1)/12. Nearly normal, and the same in every engine.
const BYTE_SUM_MEAN = 510;
const BYTE_SUM_SIGMA = Math.sqrt((4 * (65536 - 1)) / 12);

/** Bytes of a canvas of levels 0 to 255 with near-normal noise of standard deviation `sigma` on every channel. */
export function toNoisyBytes(canvas: Float32Array, sigma: number, prng: Prng): Uint8Array {
  const scale = sigma / BYTE_SUM_SIGMA;
  const bytes = new Uint8Array(canvas.length);
  for (let i = 0; i < bytes.length; i++) {
    const bits = prng.nextU32();
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    const value = Math.round(canvas[i]! + (sum - BYTE_SUM_MEAN) * scale);
    bytes[i] = Math.max(0, Math.min(255, value));
  }
  return bytes;
}
