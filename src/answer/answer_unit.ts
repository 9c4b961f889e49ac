// Reads what stands behind a number: which unit it is, under one name, and whether dropping it leaves the number's
// meaning as it is. `5 cm` and `12 red apples` lose nothing; `5 million`, `5 pi`, `5x` and `5 or more` would.

/** A unit. */
export interface Unit {
  /** Its one name; '' for a bare number. */
  readonly key: string;
  /** True when the number means the same without it, asked for in that unit. */
  readonly droppable: boolean;
}

/** Names of units in words and signs, each under its symbol; plurals in s are found from the singular. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  '%': ['percent', 'per cent', 'pct'],
  '°': ['degree', 'deg'],
  '°c': ['degree celsius', 'celsius', 'degrees celsius', 'degree c', 'degrees c'],
  '°f': ['degree fahrenheit', 'fahrenheit', 'degrees fahrenheit', 'degree f', 'degrees f'],
  $: ['dollar', 'usd', 'us dollar', 'us$', 'buck'],
  '€': ['euro', 'eur'],
  '£': ['gbp', 'pound sterling'],
  '¥': ['yen', 'yuan', 'rmb', 'jpy', 'cny'],
  '¢': ['cent'],
  mm: ['millimeter', 'millimetre'],
  cm: ['centimeter', 'centimetre'],
  dm: ['decimeter', 'decimetre'],
  m: ['meter', 'metre'],
  km: ['kilometer', 'kilometre'],
  nm: ['nanometer', 'nanometre'],
  μm: ['micrometer', 'micrometre', 'micron', 'um'],
  in: ['inch', 'inches'],
  ft: ['foot', 'feet'],
  yd: ['yard'],
  mi: ['mile'],
  mg: ['milligram'],
  g: ['gram', 'gramme'],
  kg: ['kilogram', 'kilo', 'kgs'],
  oz: ['ounce'],
  lb: ['lbs', 'pound'],
  ms: ['millisecond', 'msec'],
  s: ['second', 'sec', 'secs'],
  min: ['minute', 'mins'],
  h: ['hour', 'hr', 'hrs'],
  ml: ['milliliter', 'millilitre'],
  l: ['liter', 'litre'],
  n: ['newton'],
  j: ['joule'],
  kj: ['kilojoule'],
  w: ['watt'],
  kw: ['kilowatt'],
  v: ['volt'],
  a: ['ampere', 'amp'],
  pa: ['pascal'],
  kpa: ['kilopascal'],
  hz: ['hertz'],
  ω: ['ohm'],
  rad: ['radian'],
  px: ['pixel'],
  unit: ['units'],
  pt: ['point', 'pts'],
  'km/h': ['kmh', 'kph', 'km per hour'],
  'mi/h': ['mph'],
};

/** Symbols without a spelled name here. */
const SYMBOLS =
  'khz mhz ghz mol cal kcal ev kev mev bar atm kwh wh mw gw mv kv ma db ha kb mb gb tb rpm bpm fps kω cc fl'.split(
    ' ',
  );

const BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(NAMES).flatMap(([symbol, names]) =>
    [symbol, ...names, ...names.map((name) => `${name}s`)].map((name) => [name, symbol] as const),
  ),
);
const KNOWN: ReadonlySet<string> = new Set([...BY_NAME.values(), ...SYMBOLS]);
/** One letter may be a variable as well: it is a unit only behind a space, in the case of the unit. */
const LETTERS = /^ [mgshlLNJWV](?:$|[/^*2-3])/;
/** Milli against mega and pico against peta: the case of the first letter is a factor of a billion. */
const CASED = /^[mMpP](?:m|w|wh|pa|hz|v|a|j|g|s|n|l|ω|ev|mol|t|cal)$/i;

/** Words that change what the number before them means, or say that it is not the answer. */
const CHANGING: ReadonlySet<string> = new Set(
  (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
    'eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands ' +
    'million millions billion billions trillion trillions mil mio bn mn grand lakh lakhs crore crores dozen dozens ' +
    'pair pairs couple couples score scores gross half halves third thirds quarter quarters fourth fourths fifth ' +
    'fifths sixth sixths seventh sevenths eighth eighths ninth ninths tenth tenths hundredth hundredths thousandth ' +
    'thousandths double triple twice fold st nd rd th plus minus times over by divided multiplied squared cubed ' +
    'square cube power powers root roots factorial mod modulo choose exp log ln sin cos tan sqrt pi inf infinity ' +
    'or and nor not no none never neither but to through until till of out per at from than less more fewer greater ' +
    'most least about around between except without if else vs versus below under above beyond before after ago ' +
    'short extra each am pm false wrong incorrect remainder base negative positive unknown undefined is are was ' +
    'were equals equal maybe perhaps possibly unless instead rather approximately roughly nearly almost ish xor ' +
    'percentage logs radicals ppm bps mod div xx xy yx ab bc ac'
  ).split(' '),
);
const MAX_WORDS = 3;

/** A counted thing in up to three plain words, none of which changes the number. */
function isCounted(tail: string): boolean {
  if (!tail.startsWith(' ')) return false;
  const words = tail.trim().toLowerCase().split(' ');
  return words.length <= MAX_WORDS && words.every((word) => /^\p{L}{2,}$/u.test(word) && !CHANGING.has(word));
}

/** One factor of a unit, `cm^2`: its name, its exponent and whether it is a unit that is known here. */
function readFactor(given: string): { readonly key: string; readonly known: boolean } {
  const squared = given
    .replace(/^(?:square|sq\.?) (.+)$/i, '$1^2')
    .replace(/^(?:cubic|cu\.?) (.+)$/i, '$1^3')
    .trim();
  const [, name = squared, power = ''] = /^(.*?\D)\^?(-?[1-9])?$/.exec(squared) ?? [];
  const tidy = name.trim().replace(/(?<=\p{L})\.$/u, '');
  const lower = tidy.toLowerCase();
  const symbol = BY_NAME.get(lower) ?? lower;
  // Mb are bits and MB are bytes.
  const bits = /^[KMGTP]b$/.test(tidy);
  const cased = CASED.test(tidy) && /^[MP]/.test(tidy) && lower !== 'pm';
  const key = bits ? `${symbol}it` : cased ? tidy.charAt(0) + symbol.slice(1) : symbol;
  return { key: `${key}${power === '' || power === '1' ? '' : `^${power}`}`, known: KNOWN.has(symbol) };
}

/**
 * The unit of a number.
 * @param currency sign before the number, or ''
 * @param tail everything behind the number, with the space before it if there is one
 */
export function readUnit(currency: string, tail: string): Unit {
  const text = tail.trim();
  if (text === '') return { key: currency, droppable: true };
  const whole = BY_NAME.get(text.toLowerCase().replace(/\.$/, ''));
  const factors = whole === undefined ? text.split(/(\*|\/| per )/i).map((part) => part.trim()) : [text];
  const read = factors.map((part) =>
    /^(?:\*|\/|per)$/i.test(part) ? { key: part === '*' ? '*' : '/', known: true } : readFactor(part),
  );
  const parts = whole === undefined ? read : [{ key: whole, known: true }];
  const joined = parts
    .map(({ key }) => key)
    .join('')
    .replaceAll(' ', '');
  // `$5 USD` names its currency twice.
  const key = joined === currency ? currency : `${currency}${joined}`;
  const known = parts.every((part) => part.known);
  const letter = /^\p{L}(?:$|[/^*\d])/u.test(text);
  const droppable = known && (!letter || LETTERS.test(tail));
  return { key, droppable: (currency === '' || joined === currency) && (droppable || isCounted(tail)) };
}

/** True for the same unit, one of them perhaps in the plural: `2 hours` and `2 hour`, never `m` and `ms`. */
export function equalUnits({ key: a }: Unit, { key: b }: Unit): boolean {
  if (a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return /^\p{L}{3,}$/u.test(short) && (long === `${short}s` || long === `${short}es`);
}
