// Reads what is chosen rather than said: the letter of an option, yes or no, and a time of day.
// An answer that takes its choice back, or names another one as well, chooses nothing.

/** `b`, `(b)`, `b.`, `b) 3 cm`, `option b: 3 cm`, `d - a score`; the letter has to stand alone. */
const CHOICE =
  /^(?:(?:option|choice|answer):? ?)?(?:[([](?<inside>[a-z])[)\]][.:]?|(?<before>[a-z])(?<sign>[.):]| -|$))(?<rest> .*)?$/i;
const BARE_LETTER = /^(?:(?:option|choice|answer):? ?)?[([]?(?<letter>[a-z])[)\]]?[.:]?$/i;
/** A second option, or a word that takes the first one back. */
const OTHER_OPTION = /(?:^|[ ,;/])(?:[([][a-z][)\]]|[a-z][.):](?: |$))/i;
const ONLY_LETTERS = /^[a-z](?:[ ,;./&]+(?:(?:and|or) )?[a-z])*$/i;
const TAKEN_BACK =
  /^ ?(?:or|and|nor|&|\/)(?![\p{L}])|(?:^| )(?:is|are|was)(?: not|n't)? (?:not|wrong|incorrect|false)(?![\p{L}])|(?:^| )(?:wrong|incorrect)$|(?:^| )(?:isn't|is not)(?![\p{L}])/iu;

/** An option as it was chosen. */
export interface Choice {
  /** Its letter, lower case. */
  readonly letter: string;
  /** What is said behind the letter; '' for the letter alone. */
  readonly words: string;
}

/** The option that a folded text chooses; null when it chooses none, or takes it back, or names another as well. */
export function readChoice(folded: string): Choice | null {
  const bare = BARE_LETTER.exec(folded)?.groups?.letter;
  if (bare !== undefined) return { letter: bare.toLowerCase(), words: '' };
  const groups = CHOICE.exec(folded)?.groups;
  if (groups === undefined) return null;
  const words = (groups.rest ?? '').trim();
  const letter = groups.inside ?? groups.before;
  if (letter === undefined || words === '') return null;
  if (OTHER_OPTION.test(words) || ONLY_LETTERS.test(words) || TAKEN_BACK.test(words)) return null;
  // `x - 5` is a difference; behind a dash an option's words begin with a word.
  if (groups.sign === ' -' && !/^\p{L}{2,}|^\p{L} \p{L}/u.test(words)) return null;
  return { letter: letter.toLowerCase(), words };
}

const YES_OR_NO = /^(?<word>yes|yeah|yep|yup|no|nope|nah|true|false)(?![\p{L}\p{N}'’-])/iu;
const MEANS: Readonly<Record<string, string>> = {
  yeah: 'yes',
  yep: 'yes',
  yup: 'yes',
  nope: 'no',
  nah: 'no',
};
const OPPOSITE: Readonly<Record<string, string>> = { yes: 'no', no: 'yes', true: 'false', false: 'true' };

/** Whether a text says the opposite word as well: at its end, before a sign, or behind "or" and the like. */
function contradicts(text: string, opposite: string): boolean {
  if (opposite !== 'no') return new RegExp(`(?<!\\p{L})${opposite}(?!\\p{L})`, 'u').test(text);
  return /(?<!\p{L})no(?: ?[.,;:!?/)]|$)|(?:or|and|mean|actually|rather|wait,?) no(?!\p{L})/u.test(text);
}

/**
 * The word that a text begins with, `yes`, `no`, `true` or `false`; null for another beginning and for texts that say
 * both.
 */
export function readYesNo(folded: string): string | null {
  const text = folded.toLowerCase();
  const word = YES_OR_NO.exec(text)?.groups?.word;
  if (word === undefined) return null;
  const meant = MEANS[word] ?? word;
  return contradicts(text.slice(word.length), OPPOSITE[meant] ?? '') ? null : meant;
}

const TIME =
  /^(?<hour>\d{1,2}):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d))?(?: ?(?<half>[ap])\.?m\.?)?$|^(?<bare>\d{1,2}) ?(?<bareHalf>[ap])\.?m\.?$/i;

/** The key under which times of day are equal; null for what is none. `9:30` alone is neither 9:30 am nor pm. */
export function timeKey(folded: string): string | null {
  const groups = TIME.exec(folded)?.groups;
  if (groups === undefined) return null;
  const half = (groups.half ?? groups.bareHalf)?.toLowerCase();
  const hour = Number(groups.hour ?? groups.bare);
  const rest = `${groups.minute ?? '00'}${groups.second === undefined ? '' : `:${groups.second}`}`;
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return null;
    return `day ${(hour % 12) + (half === 'p' ? 12 : 0)}:${rest}`;
  }
  if (hour > 23) return null;
  // From 13 on, and at 0, the clock says by itself which half of the day it is.
  return `${hour > 12 || hour === 0 ? 'day' : 'clock'} ${hour}:${rest}`;
}
