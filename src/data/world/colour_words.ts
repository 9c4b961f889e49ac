// Says which of eleven colour words a pixel, a cell and a whole picture are, as a pure function of the pixels.
// The words are the basic colour terms of Berlin and Kay (Basic Color Terms, 1969). A pixel gets the word of the nearest
// prototype in OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020) with lightness scaled by
// 0.6, so that hue and chroma count for more; a pixel about as near to a second word has none. The prototypes were
// chosen by hand and checked by eye on crops of photographs.

/** The eleven words, in the order of every table of shares. */
export const COLOUR_WORDS = [
  'black',
  'white',
  'grey',
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
  'pink',
  'brown',
] as const;
/** One of {@link COLOUR_WORDS}. */
export type ColourWord = (typeof COLOUR_WORDS)[number];

const PROTOTYPES: Record<ColourWord, string> = {
  black: '000000 1a1a1c 1c1814',
  white: 'ffffff f0f0f0 f4efe6',
  grey: '505050 808080 b4b4b4 8c8880 7c858e 3a3a3c',
  red: 'd8202a a01820 e84538 6e1218 b44444',
  orange: 'ff8c1a e8701c f5a54a f0602c f0c080',
  yellow: 'ffe020 f0d860 d8b818 f5eca0 dcd08c',
  green: '1f8a30 70c050 2c4a24 a8d898 7c8a30 40806a b0c850',
  blue: '2050d8 70a8e0 1c2c60 a8d0f0 30a8c8 4878a0',
  purple: '7a30b8 48285c b088d8 9a3c9a 7c5c94',
  pink: 'ff80b8 ffc0cc e85088 f0a8a0 e898a8 c86880',
  brown: '7a4820 4a2c18 a87850 c8a880 5c4434',
};
/** Two words whose prototypes lie this much closer to each other than this are not told apart. */
const LEAST_LEAD = 0.006;
const LIGHTNESS_WEIGHT = 0.6;
const NONE = 255;

/** Linear light of each sRGB level, levels between whole numbers included. */
function linear(level: number): number {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** OKLab of an sRGB colour (0 to 255 a channel) with lightness scaled: [0.6·L, a, b]. */
export function scaledLab(red: number, green: number, blue: number): [number, number, number] {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    LIGHTNESS_WEIGHT * (0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s),
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** An sRGB colour that people would name by the word at once: its first prototype, 0 to 255 a channel. */
export function typicalColour(word: ColourWord): readonly [number, number, number] {
  const code = Number.parseInt(PROTOTYPES[word].slice(0, 6), 16);
  return [code >> 16, (code >> 8) & 255, code & 255];
}

const PROTOTYPE_LABS = COLOUR_WORDS.map((word) =>
  PROTOTYPES[word].split(' ').map((hex) => {
    const code = Number.parseInt(hex, 16);
    return scaledLab(code >> 16, (code >> 8) & 255, code & 255);
  }),
);

/** The word of an sRGB colour, and by how much its nearest prototype is nearer than the next word's. */
export function nearestWord(
  red: number,
  green: number,
  blue: number,
): { readonly word: ColourWord; readonly lead: number } {
  const [l, a, b] = scaledLab(red, green, blue);
  let [word, best, second] = [0, Infinity, Infinity];
  PROTOTYPE_LABS.forEach((labs, candidate) => {
    let nearest = Infinity;
    for (const lab of labs) {
      nearest = Math.min(nearest, Math.hypot(l - lab[0], a - lab[1], b - lab[2]));
    }
    if (nearest < best) [word, best, second] = [candidate, nearest, best];
    else if (nearest < second) second = nearest;
  });
  return { word: COLOUR_WORDS[word] as ColourWord, lead: second - best };
}

let table: Uint8Array | undefined;

/** Word of each of 32³ colours, by the top five bits of a channel and the middle of their range; 255 is none. */
function wordTable(): Uint8Array {
  if (table !== undefined) return table;
  table = new Uint8Array(32 ** 3);
  for (let i = 0; i < table.length; i++) {
    const middle = (bits: number) => 8 * bits + 3.5;
    const { word, lead } = nearestWord(middle(i >> 10), middle((i >> 5) & 31), middle(i & 31));
    table[i] = lead < LEAST_LEAD ? NONE : COLOUR_WORDS.indexOf(word);
  }
  return table;
}

/** Index into {@link COLOUR_WORDS} of a pixel of bytes; -1 where no word fits better than the others. */
export function pixelWord(red: number, green: number, blue: number): number {
  const word = wordTable()[((red >> 3) << 10) | ((green >> 3) << 5) | (blue >> 3)] as number;
  return word === NONE ? -1 : word;
}

/** What a cell's pixels say: the share of each word, in the order of {@link COLOUR_WORDS}; they add up to at most 1. */
export type ColourShares = readonly number[];

/**
 * Shares of the words in each cell of a square picture that is cut into `grid` × `grid` cells, in raster order.
 * @param pixels RGB bytes [side, side, 3]; `side` is a multiple of `grid`
 */
export function cellShares(
  pixels: Uint8Array | Uint8ClampedArray,
  side: number,
  grid: number,
): ColourShares[] {
  const words = wordTable();
  const cell = side / grid;
  const shares = Array.from({ length: grid * grid }, () => new Array<number>(COLOUR_WORDS.length).fill(0));
  for (let y = 0, at = 0; y < side; y++) {
    const row = Math.floor(y / cell) * grid;
    for (let x = 0; x < side; x++, at += 3) {
      const key = ((pixels[at]! >> 3) << 10) | ((pixels[at + 1]! >> 3) << 5) | (pixels[at + 2]! >> 3);
      const word = words[key]!;
      if (word !== NONE) shares[row + Math.floor(x / cell)]![word]! += 1 / (cell * cell);
    }
  }
  return shares;
}

/** The word with the largest share; the first of equals. */
export function dominantWord(shares: ColourShares): ColourWord {
  let best = 0;
  shares.forEach((share, i) => {
    if (share > shares[best]!) best = i;
  });
  return COLOUR_WORDS[best] as ColourWord;
}

/** Share of `word` less the largest share of another word, in [-1, 1]. */
export function margin(shares: ColourShares, word: ColourWord): number {
  const own = COLOUR_WORDS.indexOf(word);
  return shares[own]! - Math.max(...shares.filter((_, i) => i !== own));
}

/** δ of training questions, and of those that are suggested and tested with: the least |{@link margin}| that decides. */
export const DELTA = { train: 0.1, test: 0.2 } as const;

/** How many cells are mostly of a word: that many surely, and that many of which the picture does not say it. */
export interface ColourCount {
  /** Cells with a margin of at least δ. */
  readonly sure: number;
  /** Cells whose margin lies between -δ and δ. */
  readonly unclear: readonly number[];
}

/** Counts the cells that are mostly `word`: the truth lies between `sure` and `sure` + the number of unclear ones. */
export function countCells(shares: readonly ColourShares[], word: ColourWord, delta: number): ColourCount {
  const margins = shares.map((cell) => margin(cell, word));
  return {
    sure: margins.filter((m) => m >= delta).length,
    unclear: [...margins.keys()].filter((i) => Math.abs(margins[i]!) < delta),
  };
}
