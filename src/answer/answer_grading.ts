// Decides whether an answer equals the expected one, and by which rule, under one of two named graders. Two answers
// are equal only for a reason that can be read here: numbers as exact fractions, choices by their letter, yes and no
// by the first word, lists by their elements, sums and products in any order, all else as text in one spelling. No
// grader guesses: what may be read in two ways is not equal. Work is bounded; answers longer than 1000 characters are
// equal only when identical.

import { readChoice, readYesNo, timeKey } from './answer_choice';
import { formulaKey } from './answer_formula';
import { equalValues, type Quantity, quantityKey, readQuantity } from './answer_quantity';
import { foldAnswer, textKey } from './answer_text';
import { equalUnits } from './answer_unit';
import { expectedAnswers } from './expected_answers';

/**
 * `strict` wants the same unit on both sides; `method` drops units, degrees, percent and currency where a bare number
 * is expected, as the method's own grader does.
 */
export const GRADERS = ['strict', 'method'] as const;

/** One of {@link GRADERS}. */
export type GraderName = (typeof GRADERS)[number];

/** A verdict with the grader that gave it and the rule that decided, in words. */
export interface Grade {
  readonly equal: boolean;
  readonly rule: string;
  readonly grader: GraderName;
}

type Verdict = Omit<Grade, 'grader'>;

/** Longer answers than these are equal only when identical. */
const MAX_LENGTH = 1000;
/** Lists within lists; deeper ones are compared as text. */
const MAX_DEPTH = 6;

const right = (rule: string): Verdict => ({ equal: true, rule });
const wrong = (rule: string): Verdict => ({ equal: false, rule });

/** Longer lists are compared as text. */
const MAX_ELEMENTS = 64;

/** Splits at commas, or at semicolons where there are any, outside of brackets; null when there are none. */
function splitList(text: string): string[] | null {
  const cuts = (sign: string): string[] => {
    const parts: string[] = [];
    let depth = 0;
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const char = text.charAt(i);
      if ('([{'.includes(char)) depth += 1;
      else if (')]}'.includes(char)) depth -= 1;
      else if (char === sign && depth === 0) {
        parts.push(text.slice(from, i).trim());
        from = i + 1;
      }
    }
    return [...parts, text.slice(from).trim()];
  };
  const bySemicolon = cuts(';');
  const parts = bySemicolon.length > 1 ? bySemicolon : cuts(',');
  return parts.length > 1 && parts.length <= MAX_ELEMENTS ? parts : null;
}

/** The brackets around a whole text and what is inside; null when the first one closes before the end. */
function unbracket(text: string): { readonly brackets: string; readonly inner: string } | null {
  if (!/^[([{].*[)\]}]$/.test(text)) return null;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if ('([{'.includes(text.charAt(i))) depth += 1;
    else if (')]}'.includes(text.charAt(i)) && --depth === 0 && i < text.length - 1) return null;
  }
  return depth === 0
    ? { brackets: `${text.charAt(0)}${text.at(-1)}`, inner: text.slice(1, -1).trim() }
    : null;
}

/** The key of one element of a list: by value where it has one. */
function elementKey(element: string, depth: number): string {
  const quantity = readQuantity(element);
  if (quantity !== null) return quantityKey(quantity);
  return listKey(element, depth + 1) ?? formulaKey(element) ?? textKey(element.replace(/^\+(?=∞)/, ''));
}

/** The key under which lists are equal: sets in any order, tuples, intervals and bare lists in theirs. */
function listKey(folded: string, depth = 0): string | null {
  if (depth > MAX_DEPTH) return null;
  const enclosed = unbracket(folded);
  const elements = splitList(enclosed?.inner ?? folded);
  const set = enclosed?.brackets === '{}';
  if (elements === null && !set) return null;
  const keys = (elements ?? [enclosed?.inner ?? '']).map((element) => elementKey(element, depth));
  if (set) keys.sort();
  return `${enclosed?.brackets ?? ''} ${keys.join(' | ')}`;
}

/** A number in superfluous parentheses, `(5)`, without them. */
function withoutParentheses(folded: string): string {
  const enclosed = unbracket(folded);
  return enclosed?.brackets === '()' && /^[-+]?[\d./\u2044 ]+$/.test(enclosed.inner)
    ? enclosed.inner
    : folded;
}

/** `x = 5` cut at its sign, where the left side is one name: a letter with an index perhaps, `AB` or `f(x)`. */
function assigned(folded: string): string | null {
  const match = /^(?:\p{L}(?:_\(?\w{1,3}\)?|')?|[A-Z]{2,3}|[a-zA-Z]\([a-z]\)) ?= ?([^=<>≤≥≠≈]+)$/u.exec(
    folded,
  );
  return match?.[1]?.trim() ?? null;
}

function equationKey(folded: string): string | null {
  const sides = folded.split('=');
  if (sides.length !== 2) return null;
  const keys = sides.map((side) => formulaKey(side.trim()) ?? textKey(side.trim()));
  return keys.includes('') ? null : keys.join(' = ');
}

/** True for a number without a unit, or in degrees, which the method's grader treats alike. */
function isBare({ unit }: Quantity): boolean {
  return unit.key === '' || unit.key === '°';
}

function compareQuantities(given: Quantity, gold: Quantity, grader: GraderName): Verdict | null {
  const same = equalValues(given, gold);
  if (equalUnits(given.unit, gold.unit)) return same ? right('equal numbers') : null;
  if (grader === 'strict' || !same || !isBare(gold)) return null;
  const degrees = gold.unit.key === '°' && given.unit.key === '';
  const dropped = gold.unit.key === '' && given.unit.droppable;
  return degrees || dropped ? right('equal numbers, the unit dropped') : null;
}

function compareChoices(given: string, gold: string): Verdict | null {
  const [a, b] = [readChoice(given), readChoice(gold)];
  if (a !== null && b !== null && (a.words === '' || b.words === '')) {
    return a.letter === b.letter ? right('the same choice') : wrong('another choice');
  }
  return null;
}

/** `B. 12` against `12`: what stands behind the letter, where the other side has no letter. */
function withoutLabel(given: string, gold: string): [string, string] | null {
  const [a, b] = [readChoice(given), readChoice(gold)];
  if ((a === null) === (b === null)) return null;
  const label = a ?? b;
  const text = a === null ? gold : given;
  if (label === null || label.words === '' || !/^\(?[A-H][.):]/.test(text)) return null;
  return a === null ? [given, label.words] : [label.words, gold];
}

/** Compares two folded texts by their kinds, the most certain first; null when no rule makes them equal. */
function compareKinds(given: string, gold: string, grader: GraderName): Verdict | null {
  const [x, y] = [readQuantity(withoutParentheses(given)), readQuantity(withoutParentheses(gold))];
  if (x !== null && y !== null) {
    const verdict = compareQuantities(x, y, grader);
    if (verdict !== null) return verdict;
    // As text, `5 MW` and `5 mW` are equal.
  } else if (textKey(given) === textKey(gold)) return right('equal text');
  const choice = compareChoices(given, gold);
  if (choice !== null) return choice;
  const keys: readonly (readonly [string, (text: string) => string | null])[] = [
    ['equal times', timeKey],
    ['equal elements', (text) => (readQuantity(text) === null ? listKey(text) : null)],
    ['equal formulas', formulaKey],
    ['equal equations', equationKey],
  ];
  for (const [rule, keyOf] of keys) {
    const key = keyOf(gold);
    if (key !== null && key === keyOf(given)) return right(rule);
  }
  const asked = textKey(gold);
  if (/^(?:yes|no|true|false)$/.test(asked) && readYesNo(given) === asked) return right('the same yes or no');
  return null;
}

/** Why two answers that no rule makes equal differ, as exactly as can be said. */
function difference(given: string, gold: string): Verdict {
  const [x, y] = [readQuantity(given), readQuantity(gold)];
  if (x === null || y === null) return wrong('no rule makes them equal');
  return wrong(equalValues(x, y) ? 'equal numbers of different units' : 'different numbers');
}

function compare(given: string, gold: string, grader: GraderName): Verdict {
  const direct = compareKinds(given, gold, grader);
  if (direct !== null) return direct;
  // One side may name what the other one only gives: `x = 5` against `5`, `B. 12` against `12`.
  const [left, asked] = [assigned(given), assigned(gold)];
  if ((left === null) !== (asked === null) && !(left === null ? given : gold).includes('=')) {
    const named = compareKinds(left ?? given, asked ?? gold, grader);
    if (named?.equal) return right(`${named.rule}, the name dropped`);
  }
  const labelled = withoutLabel(given, gold);
  const named = labelled === null ? null : compareKinds(labelled[0], labelled[1], grader);
  return named?.equal ? right(`${named.rule}, the letter dropped`) : difference(given, gold);
}

/** The grader for an expected answer: `method` where that is a bare number, `strict` for everything else. */
export function graderFor(expected: string): GraderName {
  if (expected.length > MAX_LENGTH) return 'strict';
  const folded = foldAnswer(expected);
  const quantity = readQuantity(withoutParentheses(assigned(folded) ?? folded));
  return quantity !== null && isBare(quantity) ? 'method' : 'strict';
}

/**
 * Grades an answer.
 * - Numbers: decimals, thousands commas, fractions, mixed numbers, scientific notation and number words to twenty,
 *   compared exactly (3/4 = 0.75); see {@link GRADERS} for units.
 * - Choices: `(B)`, `B.`, `B) 3 cm` and `Option B` equal `B`; `None` never equals `N`.
 * - Where yes or no is expected, the answer's first word decides, unless it says both.
 * - Sets `{…}` in any order; tuples, intervals and lists in theirs; elements by value.
 * - Formulas: sums and products in any order. A number is never worked out: `\sqrt{4}` is not `2`.
 * - Else text in one spelling; case, a leading article, a final full stop, quotes and white space do not count.
 * Null (no answer) and '' never equal anything. Of several right answers ({@link expectedAnswers}) any will do; the
 * grade is that of the first that equals, else of the first.
 * @param grader by default the one that each expected answer asks for
 * @source the method's grader: mathruler 0.1.0, grader.py `grade_answer`; its faults (letters found inside words, `None`
 * for a missing box) are left out
 */
export function gradeAnswer(answer: string | null, expected: string, grader?: GraderName): Grade {
  const grades = expectedAnswers(expected).map((gold) => gradeOne(answer, gold, grader ?? graderFor(gold)));
  return grades.find(({ equal }) => equal) ?? (grades[0] as Grade);
}

function gradeOne(answer: string | null, expected: string, grader: GraderName): Grade {
  if (answer === null) return { ...wrong('no answer'), grader };
  const asked = expected.trim();
  if (asked === '' || answer.trim() === '') return { ...wrong('nothing to compare'), grader };
  if (answer.trim() === asked) return { ...right('identical'), grader };
  if (answer.length > MAX_LENGTH || expected.length > MAX_LENGTH) {
    return { ...wrong(`longer than ${MAX_LENGTH} characters and not identical`), grader };
  }
  const [given, gold] = [foldAnswer(answer), foldAnswer(expected)];
  if (given === '' || gold === '') return { ...wrong('nothing to compare'), grader };
  return { ...compare(given, gold, grader), grader };
}
