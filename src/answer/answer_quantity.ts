// Reads a folded answer as an exact number with what it counts: decimals, thousands, fractions, mixed numbers,
// scientific notation and number words to twenty, with a unit, a percent or a currency sign.
// It does no arithmetic and converts no units: 50 mm is not 5 cm, and `3-1/4` is no number.

import { readUnit, type Unit } from './answer_unit';

/** An exact number with its unit. The denominator is positive. */
export interface Quantity {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly unit: Unit;
}

/** Larger powers of ten than these stay text. */
const MAX_EXPONENT = 400;

const NUMBER_WORDS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );
const NUMBER_WORD = new RegExp(
  `^(?<sign>(?:minus|negative) )?(?<word>${NUMBER_WORDS.join('|')})(?= |$)`,
  'i',
);

const DIGITS = '(?:\\d{1,3}(?:,\\d{3})+(?![\\d,])|\\d+)';
const FRACTION = `(?:(?<whole>${DIGITS}) )?(?<top>-?${DIGITS}) ?[/\\u2044] ?(?<bottom>-?${DIGITS})`;
const POWER = '(?: ?[*x] ?10 ?\\^ ?\\(?(?<power>[-+]?\\d{1,4})\\)?|[eE](?<exponent>[-+]?\\d{1,4}))?';
const DECIMAL = `(?<units>${DIGITS})?(?:\\.(?<decimals>\\d+))?${POWER}`;
/** The unit starts with a letter or a sign for one, so that a sum, a date or a time is no quantity. */
const QUANTITY = new RegExp(
  `^(?<sign>[-+])? ?(?<currency>[$€£¥])? ?(?<inner>-)?(?:${FRACTION}|${DECIMAL})(?<tail> ?[%°$€£¥¢\\p{L}].*)?$`,
  'u',
);
const POWER_OF_TEN = /^(?<sign>-)? ?10 ?\^ ?\(?(?<power>[-+]?\d{1,4})\)?$/;

function integer(digits: string | undefined): bigint {
  return BigInt((digits ?? '0').replaceAll(',', ''));
}

function scaled(numerator: bigint, denominator: bigint, power: number): [bigint, bigint] | null {
  if (Math.abs(power) > MAX_EXPONENT) return null;
  const factor = 10n ** BigInt(Math.abs(power));
  return power < 0 ? [numerator, denominator * factor] : [numerator * factor, denominator];
}

/** Spelled numbers, signs and currencies as the pattern below knows them. */
function spelled(text: string): string {
  return text
    .replace(NUMBER_WORD, (_, sign: string | undefined, word: string) => {
      return `${sign === undefined ? '' : '-'}${NUMBER_WORDS.indexOf(word.toLowerCase())}`;
    })
    .replace(/^(?:minus|negative) (?=\d)/i, '-')
    .replace(/^([-+])? ?(?:US ?\$|USD ?|\$ ?US ?)(?=[\d.])/i, '$1$$')
    .replace(/^([-+])? ?EUR ?(?=[\d.])/i, '$1€');
}

type Groups = Readonly<Record<string, string | undefined>>;

function readValue(groups: Groups): [bigint, bigint] | null {
  const { sign, inner, whole, top, bottom, units, decimals = '', power, exponent } = groups;
  if (top === undefined || bottom === undefined) {
    if (units === undefined && decimals === '') return null;
    const denominator = 10n ** BigInt(decimals.length);
    return scaled(
      integer(units) * denominator + integer(decimals || '0'),
      denominator,
      Number(power ?? exponent ?? 0),
    );
  }
  const signs = [sign, inner].filter((given) => given !== undefined).length;
  const inside = [top, bottom].filter((given) => given.startsWith('-')).length;
  // A sign inside a mixed number or after another sign says nothing certain.
  if (inside > 0 && (whole !== undefined || signs > 0)) return null;
  const [over, under] = [integer(top), integer(bottom)];
  if (under === 0n) return null;
  const part = under < 0n ? -over : over;
  const denominator = under < 0n ? -under : under;
  return [integer(whole) * denominator + part, denominator];
}

/** Reads a folded answer as a number: decimal, fraction, mixed, scientific or spelled, with a unit; else null. */
export function readQuantity(folded: string): Quantity | null {
  const ten = POWER_OF_TEN.exec(folded)?.groups;
  const text = ten === undefined ? spelled(folded) : `${ten.sign ?? ''}1e${ten.power}`;
  const groups: Groups | undefined = QUANTITY.exec(text)?.groups;
  if (groups === undefined) return null;
  const { sign, inner, currency = '', tail = '' } = groups;
  if (sign !== undefined && inner !== undefined) return null;
  // `1/2x` is read in two ways by people.
  if (groups.bottom !== undefined && !text.includes('\u2044') && /^\p{L}(?!\p{L})/u.test(tail)) return null;
  const value = readValue(groups);
  if (value === null) return null;
  const [numerator, denominator] = value;
  const negative = sign === '-' || inner === '-';
  return { numerator: negative ? -numerator : numerator, denominator, unit: readUnit(currency, tail) };
}

/** True when both have the same value; units are not looked at. */
export function equalValues(a: Quantity, b: Quantity): boolean {
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** The key under which quantities are equal, value and unit. */
export function quantityKey({ numerator, denominator, unit }: Quantity): string {
  const common = gcd(numerator, denominator);
  return `#${numerator / common}/${denominator / common} ${unit.key}`;
}
