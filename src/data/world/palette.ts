// Draws colours that a colour word names without doubt: random sRGB colours, dealt out to the words by colour_words.ts.

import { createPrng, type Prng } from '../../lib/prng';
import { COLOUR_WORDS, type ColourWord, nearestWord } from './colour_words';

/** An sRGB colour, 0 to 255 a channel. */
export type Rgb = readonly [number, number, number];

/** Colours kept a word: enough for variety; rarer words make the search longer. */
const POOL = 160;
/** A colour belongs to a word when the next word's prototype lies this much farther, in scaled OKLab. */
const CLEAR_LEAD = 0.035;
/** Greys, near-blacks and near-whites are rare among uniformly drawn colours, so every other draw is nearly neutral. */
const NEUTRAL_SPREAD = 14;

let pools: Record<ColourWord, Rgb[]> | undefined;

function fillPools(): Record<ColourWord, Rgb[]> {
  const prng = createPrng(0xc0104);
  const filled = Object.fromEntries(COLOUR_WORDS.map((word) => [word, [] as Rgb[]])) as Record<
    ColourWord,
    Rgb[]
  >;
  const clamp = (level: number) => Math.max(0, Math.min(255, level));
  for (let draw = 0; COLOUR_WORDS.some((word) => filled[word].length < POOL); draw++) {
    const level = prng.nextInt(256);
    const channel = () =>
      draw % 2 === 0
        ? prng.nextInt(256)
        : Math.round(clamp(level + prng.uniform(-NEUTRAL_SPREAD, NEUTRAL_SPREAD)));
    const rgb: Rgb = [channel(), channel(), channel()];
    const { word, lead } = nearestWord(...rgb);
    if (lead >= CLEAR_LEAD && filled[word].length < POOL) filled[word].push(rgb);
  }
  return filled;
}

/** A random colour that is clearly `word`. */
export function drawColour(word: ColourWord, prng: Prng): Rgb {
  pools ??= fillPools();
  const pool = pools[word];
  return pool[prng.nextInt(pool.length)] as Rgb;
}
