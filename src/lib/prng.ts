// Draws seeded pseudo-random numbers: sfc32 (Chris Doty-Humphrey, PractRand) seeded through a splitmix32 mixer. The
// same seed words give the same sequence in every JavaScript engine; `normal` alone goes through Math.log and
// Math.cos, whose last bit an engine may choose. GPU kernels have a generator of their own.

/** A stream of pseudo-random numbers. Every method advances the stream. */
export interface Prng {
  /** Uniform integer in [0, 2^32). */
  nextU32(): number;
  /** Uniform float in [0, 1) with 32 random bits. */
  nextFloat(): number;
  /** Uniform integer in [0, bound); `bound` is a positive integer up to 2^32. */
  nextInt(bound: number): number;
  /** Uniform float in [low, high). */
  uniform(low: number, high: number): number;
  /** Standard normal deviate (Box-Muller, one of the pair). */
  normal(): number;
}

/** One splitmix32 step: a bijective scrambling of 32 bits, good enough to hash small seeds apart. */
export function mix32(word: number): number {
  let z = (word + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/**
 * A stream that depends on every seed word: `createPrng(seed, split, index)` gives independent streams
 * per split and index. Words are taken modulo 2^32.
 */
export function createPrng(...seed: number[]): Prng {
  let state = 0x6c62272e;
  for (const word of seed) state = mix32(mix32(state) ^ (word >>> 0));
  let a = mix32(state);
  let b = mix32(a ^ 0x243f6a88);
  let c = mix32(b ^ 0x85a308d3);
  let counter = 1;

  function nextU32(): number {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  }
  for (let i = 0; i < 12; i++) nextU32();

  const nextFloat = () => nextU32() / 4294967296;
  return {
    nextU32,
    nextFloat,
    nextInt: (bound) => Math.floor(nextFloat() * bound),
    uniform: (low, high) => low + (high - low) * nextFloat(),
    normal: () => Math.sqrt(-2 * Math.log(1 - nextFloat())) * Math.cos(2 * Math.PI * nextFloat()),
  };
}
