// Scores the form of an answer in the method's three tiers, 1, 0.667 and 0, and says in words why: `strictFormat` is
// what training uses, `paperFormat` the paper's permissive expression, kept to show what that leads to. Each costs
// time linear in the text, whatever it holds: completions are written by what is being trained.

import { type FormBlock, type Reason, readForm } from './answer_form';
import { BOX_OPENING, TAGS, type TextSpan } from './answer_grammar';
import { BACK_TAGS, type LookTags } from './look_tags';

/** A score with the rule that decided it and the stretch of the answer that shows it. */
export interface FormatScore extends Reason {
  readonly score: number;
}

/** An answer whose form is scored. */
export interface FormatSample {
  readonly text: string;
  /** True when the model ended it by itself, false when it was cut at the limit. */
  readonly finished: boolean;
  /** Tags of a look back; by default the method's own. */
  readonly look?: LookTags | undefined;
  /** Number of tokens that wrote the characters [start, end) of `text`. */
  countTokens(start: number, end: number): number;
}

/** Reward of a plain chain of thought: two of three parts present. Look-Back, arXiv 2507.03019, eq. 4. */
const COT_TIER = 0.667;
/** Fewer tokens than these cannot check anything: `ok` and the like earned the whole reward before. */
export const MIN_BACK_TOKENS = 8;
/** More looks than these are padding, not reflection. */
const MAX_BACKS = 4;

/**
 * White space around `<`, `>` and `/` removed: what `\s*(<|>|/)\s*` → `\1` gives, without its quadratic cost.
 * @source EasyR1 examples/reward_function/math.py
 */
function tightenTags(text: string): string {
  const parts = text.split(/([<>/])/);
  return parts
    .map((part, i) => {
      if (i === 0) return parts.length === 1 ? part : part.trimEnd();
      return i === parts.length - 1 ? part.trimStart() : part.trim();
    })
    .join('');
}

/** The first literal that is not in its place: `text` has to start with the first and hold the others in order. */
function firstMissing(text: string, literals: readonly string[]): string | null {
  let at = 0;
  for (const [i, literal] of literals.entries()) {
    const found = text.indexOf(literal, at);
    if (found < 0 || (i === 0 && found > 0)) return literal;
    at = found + literal.length;
  }
  return null;
}

const { think } = TAGS;
const PAPER_COT = [think.open, think.close, BOX_OPENING, '}'];

/**
 * The paper's three tiers as permissive as its account of reward hacking implies, in the trainer's style of pattern:
 * thought, back, thought and box with anything between is 1, the same without the middle 0.667, all else 0.
 * Every gap is `.*`, so finding the literals in order, each as early as can be, decides the match.
 * An empty look back earns 1 here.
 * @source Look-Back, arXiv 2507.03019, eq. 3-4 (expressions unpublished); EasyR1 examples/reward_function/math.py
 */
export function paperFormat(text: string, { open, close } = BACK_TAGS): FormatScore {
  const tight = tightenTags(text);
  const [opens, closes] = [tightenTags(open), tightenTags(close)];
  const whole = [think.open, think.close + opens, closes + think.open, think.close, BOX_OPENING, '}'];
  if (firstMissing(tight, whole) === null) {
    return { score: 1, why: 'Thought, look back, thought and box come in order.', span: null };
  }
  const missing = firstMissing(tight, PAPER_COT);
  if (missing === null) {
    return {
      score: COT_TIER,
      why: 'A thought and a box come in order, without a look back between.',
      span: null,
    };
  }
  return { score: 0, why: `${missing} is missing, or is not in its place.`, span: null };
}

/** Letters and digits in lower case, everything between them one space. */
function bareWords(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/**
 * True when `whole` holds `part`. In linear time even for the repeats that String.includes is slow on.
 * @source Knuth, Morris and Pratt 1977, SIAM Journal on Computing 6
 */
function contains(whole: string, part: string): boolean {
  if (part.length > whole.length) return false;
  if (part === '') return true;
  const border = new Int32Array(part.length);
  for (let i = 1, k = 0; i < part.length; i++) {
    while (k > 0 && part[i] !== part[k]) k = border[k - 1] as number;
    if (part[i] === part[k]) k++;
    border[i] = k;
  }
  for (let i = 0, k = 0; i < whole.length; i++) {
    while (k > 0 && whole[i] !== part[k]) k = border[k - 1] as number;
    if (whole[i] === part[k]) k++;
    if (k === part.length) return true;
  }
  return false;
}

/** The first look back that is too short, holds nothing but punctuation, or copies a run of a thought before it. */
function hollowLook(sample: Omit<FormatSample, 'finished'>, blocks: readonly FormBlock[]): Reason | null {
  const thoughts: string[] = [];
  for (const { name, start, end } of blocks) {
    const content = sample.text.slice(start, end);
    const words = bareWords(content);
    if (name === 'think') {
      thoughts.push(words);
      continue;
    }
    const span = {
      start: start + content.length - content.trimStart().length,
      end: start + content.trimEnd().length,
    };
    const tokens = sample.countTokens(span.start, span.end);
    if (tokens < MIN_BACK_TOKENS) {
      return { why: `A look back has ${tokens} tokens; at least ${MIN_BACK_TOKENS} are needed.`, span };
    }
    if (words === '') return { why: 'A look back has no words.', span };
    if (thoughts.some((thought) => contains(thought, words))) {
      return { why: 'A look back only repeats what a thought before it says.', span };
    }
  }
  return null;
}

/** Whether an answer has the whole form but for a look that {@link strictFormat} takes for hollow. */
export function isHollow(sample: Omit<FormatSample, 'finished'>): boolean {
  return hollowLook(sample, readForm(sample.text, sample.look ?? BACK_TAGS).blocks) !== null;
}

/** Where a text holds a tag of a look in any spelling: spaced, in capitals, or cut short. Linear in the text. */
function lookTrace(text: string, { word, slash }: LookTags): TextSpan | null {
  const skip = (at: number): number => {
    let next = at;
    while (/\s/.test(text[next] ?? '')) next++;
    return next;
  };
  for (let start = text.indexOf('<'); start >= 0; start = text.indexOf('<', start + 1)) {
    let at = skip(start + 1);
    if (text[at] === slash) at = skip(at + 1);
    const end = at + word.length;
    if (text.slice(at, end).toLowerCase() === word) return { start, end };
  }
  return null;
}

/**
 * The strict three tiers. 1: the whole Look-Back form, ended by the model, one to four looks back, each of at least
 * eight tokens that no earlier thought already says. 0.667: plain chain of thought without a trace of a back tag.
 * 0: all else.
 */
export function strictFormat(sample: FormatSample): FormatScore {
  const zero = (reason: Reason): FormatScore => ({ score: 0, ...reason });
  if (!sample.finished) {
    return zero({ why: 'The answer was cut off at the limit before the model ended it.', span: null });
  }
  const { look = BACK_TAGS } = sample;
  const { form, blocks, fault } = readForm(sample.text, look);
  if (fault !== null) return zero(fault);
  if (form === 'cot') {
    const span = lookTrace(sample.text, look);
    if (span !== null)
      return zero({
        why: `A chain of thought without a look back holds a piece of a ${look.word} tag.`,
        span,
      });
    return {
      score: COT_TIER,
      why: 'One thought and a box: the plain chain of thought, without a look back.',
      span: null,
    };
  }
  const looks = blocks.filter(({ name }) => name === 'back');
  const extra = looks[MAX_BACKS];
  if (extra !== undefined) {
    const { start, end } = extra;
    return zero({
      why: `There are ${looks.length} looks back; up to ${MAX_BACKS} count.`,
      span: { start, end },
    });
  }
  const hollow = hollowLook(sample, blocks);
  if (hollow !== null) return zero(hollow);
  const [first] = looks;
  const span = first === undefined ? null : { start: first.start, end: first.end };
  const times = looks.length === 1 ? 'a look back' : `${looks.length} looks back`;
  return {
    score: 1,
    why: `The whole form: thought, ${times} that says something new, thought and box.`,
    span,
  };
}
