// Whether an answer equals the expected one: numbers as exact fractions, choices by their letter, yes and no by their
// first word, everything else as text with case, articles, a final full stop and simple LaTeX evened out.
// Not algebra and not a judge of meaning: `2\pi` is text, no unit is guessed, no letter is looked for in a word.
// Invariant: bounded work whatever the text; two answers are equal only for a reason that can be read here.

/** Longer answers than these are equal only when identical. */
const MAX_LENGTH = 1000;
/** Passes over nested macros; deeper nesting stays as it is written. */
const MAX_NESTING = 4;

const DELIMITERS = [
  ['$$', '$$'],
  ['$', '$'],
  ['\\(', '\\)'],
  ['\\[', '\\]'],
] as const;

/** What a macro without arguments stands for. Order matters: a name before its own beginning. */
const MACROS: readonly (readonly [RegExp, string])[] = [
  [/\\(?:left|right)(?![a-z])/gi, ''],
  [/(\d)(?:\\,|\{,\})(?=\d{3}(?!\d))/g, '$1'],
  [/\\[,;:! ]|\\quad(?![a-z])/gi, ' '],
  [/\^\s*(?:\\circ|\{\s*\\circ\s*\})/g, '°'],
  [/\\pi(?![a-z])|π/gi, 'pi'],
  [/\\([%$])/g, '$1'],
  [/\\[dtc]frac(?![a-z])/g, '\\frac'],
  [/\\frac\s*(\d)\s*(\d)/g, '\\frac{$1}{$2}'],
  [/\\sqrt\s*([0-9a-z])/gi, '\\sqrt{$1}'],
  [/−/g, '-'],
];

const WORDS_MACRO = /\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s*\{([^{}]*)\}/g;
const SQRT_MACRO = /\\sqrt\{([^{}]*)\}/g;
const FRAC_MACRO = /\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g;
/** An operand that needs no parentheses: a number, one letter, or a call. */
const OPERAND = /^-?(?:\d+(?:\.\d+)?|[a-z]|[a-z]+\([^()]*\))$/i;

function stripDelimiters(text: string): string {
  for (const [open, close] of DELIMITERS) {
    const inner = text.slice(open.length, -close.length);
    const encloses =
      text.length > open.length + close.length && text.startsWith(open) && text.endsWith(close);
    // `$5$ and $6$` is not one formula.
    if (encloses && !inner.includes(open)) return inner.trim();
  }
  return text;
}

/** Simple LaTeX as plain text: words, spacing, degrees, roots and fractions; other macros stay. */
function plainLatex(text: string): string {
  let plain = text;
  for (const [pattern, replacement] of MACROS) plain = plain.replace(pattern, replacement);
  const operand = (given: string): string => {
    const tidy = given.trim();
    return OPERAND.test(tidy) ? tidy : `(${tidy})`;
  };
  for (let pass = 0; pass < MAX_NESTING && plain.includes('\\'); pass++) {
    plain = plain
      .replace(WORDS_MACRO, '$1')
      .replace(SQRT_MACRO, 'sqrt($1)')
      .replace(FRAC_MACRO, (_, top: string, bottom: string) => ` ${operand(top)}/${operand(bottom)} `);
  }
  return plain;
}

function stripStop(text: string): string {
  return (text.endsWith('.') ? text.slice(0, -1) : text).trim();
}

/** The form in which texts are compared. An article goes only before a word, never as the letter of a choice. */
function normalise(answer: string): string {
  const text = stripStop(plainLatex(stripDelimiters(stripStop(answer.trim()))).trim())
    .replace(/\s+/g, ' ')
    .toLowerCase()
    .replace(/^(?:the|an?) (?=\p{L}{2})/u, '');
  return /^[([].*[)\]]$/.test(text) ? text.replace(/ ?([,()[\]]) ?/g, '$1') : text;
}

/** An exact number with what it counts. The denominator is positive. */
interface Quantity {
  readonly numerator: bigint;
  readonly denominator: bigint;
  /** Currency sign before it and unit after it, white space left out; '' for a bare number. */
  readonly unit: string;
}

const DIGITS = '(?:\\d{1,3}(?:,\\d{3})+(?!\\d)|\\d+)';
const FRACTION = `(?:(?<whole>${DIGITS}) )?(?<top>-?${DIGITS}) ?/ ?(?<bottom>${DIGITS})`;
const DECIMAL = `(?<units>${DIGITS})?(?:\\.(?<decimals>\\d+))?`;
/** The unit starts with a letter or a sign for one, so that a sum, a date or a time is no quantity. */
const QUANTITY = new RegExp(
  `^(?<sign>[-+])? ?(?<currency>[$€£¥])? ?(?:${FRACTION}|${DECIMAL}) ?(?<unit>[%°\\p{L}].*)?$`,
  'u',
);

function integer(digits: string | undefined): bigint {
  return BigInt((digits ?? '0').replaceAll(',', ''));
}

/** Reads a normalised text as a number: decimal, fraction or mixed, with a unit; null when it is something else. */
function readQuantity(text: string): Quantity | null {
  const groups = QUANTITY.exec(text)?.groups;
  if (groups === undefined) return null;
  const { sign, currency = '', whole, top, bottom, units, decimals = '', unit = '' } = groups;
  let [numerator, denominator] = [0n, 1n];
  if (top !== undefined) {
    // A sign inside a mixed number or after another sign says nothing certain.
    if (top.startsWith('-') && (whole !== undefined || sign !== undefined)) return null;
    denominator = integer(bottom);
    numerator = integer(whole) * denominator + integer(top);
  } else {
    if (units === undefined && decimals === '') return null;
    denominator = 10n ** BigInt(decimals.length);
    numerator = integer(units) * denominator + integer(decimals || '0');
  }
  if (denominator === 0n) return null;
  if (sign === '-') numerator = -numerator;
  return { numerator, denominator, unit: `${currency}${unit}`.replaceAll(' ', '') };
}

function equalQuantities(given: string, gold: string): boolean {
  const [a, b] = [readQuantity(given), readQuantity(gold)];
  if (a === null || b === null || a.unit !== b.unit) return false;
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

/** `b`, `(b)`, `b.`, `b) 3 cm`, `option b: 3 cm`; the letter has to stand alone. */
const CHOICE =
  /^(?:(?:option|choice|answer):? )?(?:\((?<inside>[a-z])\)[.:]?|(?<before>[a-z])[.):]?)(?<rest> .*)?$/;
const BARE_LETTER = /^(?:(?:option|choice|answer):? )?\(?[a-z]\)?[.:]?$/;
const YES_OR_NO = /^(?:yes|no)(?![\p{L}\p{N}'’-])/u;

/** The letter that a text chooses, or null. Words after a letter need a sign between: `a dog` chooses nothing. */
function choiceOf(text: string): string | null {
  const groups = CHOICE.exec(text)?.groups;
  if (groups === undefined) return null;
  const { inside, before, rest } = groups;
  if (inside !== undefined) return inside;
  const parted = rest === undefined || /[.):]$/.test(text.slice(0, -rest.length));
  return parted ? (before ?? null) : null;
}

function equalChoices(given: string, gold: string): boolean {
  const letter = choiceOf(gold);
  // One side has to be a letter and nothing else: two worded choices are compared as text.
  return letter !== null && letter === choiceOf(given) && (BARE_LETTER.test(gold) || BARE_LETTER.test(given));
}

/**
 * True when an answer equals the expected one.
 * - Numbers: decimals, thousands commas, fractions and mixed numbers, compared exactly (3/4 = 0.75); a unit, a percent
 *   or a currency sign has to be on both sides.
 * - Choices: `(B)`, `B.`, `B) 3 cm` and `Option B` equal `B`; `None` never equals `N`.
 * - Where yes or no is expected, the answer's first word decides.
 * - Else text, simple LaTeX made plain; case, a leading article, a final full stop and white space do not count.
 * Answers of over 1000 characters are equal only when identical. Null (no answer) and '' never are.
 */
export function gradeAnswer(answer: string | null, expected: string): boolean {
  if (answer === null) return false;
  const asked = expected.trim();
  if (answer.trim() === asked) return asked !== '';
  if (answer.length > MAX_LENGTH || expected.length > MAX_LENGTH) return false;
  const [given, gold] = [normalise(answer), normalise(expected)];
  if (given === '' || gold === '') return false;
  if (given === gold || equalQuantities(given, gold) || equalChoices(given, gold)) return true;
  return (gold === 'yes' || gold === 'no') && YES_OR_NO.exec(given)?.[0] === gold;
}
