// Finds the expected answer in what a data set's row gives: a box, GSM8K's last line, an answer tag, "Answer: 72",
// or a short text that is the answer itself. Prose without any of these has no answer, and the reason is said.

import { BOX_OPENING } from './answer_grammar';
import { readAnswer } from './answer_reading';

/** Where the answer was found. */
export type GoldRule = 'box' | 'final line' | 'answer tag' | 'answer phrase' | 'whole text';

/** An expected answer with where it was found, or the reason why there is none. */
export type GoldAnswer =
  | { readonly answer: string; readonly rule: GoldRule; readonly reason?: undefined }
  | { readonly answer: undefined; readonly rule?: undefined; readonly reason: string };

/** A text of more words than these is prose, not an answer. */
const MAX_WORDS = 12;
/** And a sentence with its full stop is prose from fewer: "A red hat." answers, "First we count all of them." does not. */
const MAX_SENTENCE_WORDS = 4;
/** And so is a longer word or formula than this. */
const MAX_LENGTH = 200;
/** GSM8K puts its answer behind this on the last line. */
const FINAL_MARK = '####';
const PHRASE = /\banswer\b/gi;
/** What stands between the word "answer" and the answer itself. */
const LINK = /^\**(?: to (?:the|this|our) \w{1,20})?(?:\s{1,3}is)?\s{0,3}[:=]?\s{0,3}\**\s{0,3}/i;

function found(answer: string, rule: GoldRule): GoldAnswer | null {
  const tidy = answer.trim();
  return tidy === '' ? null : { answer: tidy, rule };
}

/** The rest of the last line that begins with `####`. */
function finalLine(text: string): GoldAnswer | null {
  const at = text.lastIndexOf(FINAL_MARK);
  if (at < 0) return null;
  const start = at + FINAL_MARK.length;
  const end = text.indexOf('\n', start);
  return found(text.slice(start, end < 0 ? text.length : end), 'final line');
}

/** What the last `<answer>…</answer>` holds, as R1-style data writes it. */
function answerTag(text: string): GoldAnswer | null {
  const open = text.lastIndexOf('<answer>');
  const end = open < 0 ? -1 : text.indexOf('</answer>', open);
  return end < 0 ? null : found(text.slice(open + '<answer>'.length, end), 'answer tag');
}

/** Cuts a line after its first sentence and takes the full stop off. Decimals and letters of choices stay whole. */
function firstSentence(line: string): string {
  const stop = /[.!?]\s+(?=\p{Lu}\p{Ll})/u.exec(line);
  const sentence =
    stop === null || /^\(?\p{Lu}\)?$/u.test(line.slice(0, stop.index)) ? line : line.slice(0, stop.index);
  return sentence.trim().replace(/(?<=[^.])\.$/, '');
}

/** `Answer: 72`, `the final answer is 72`: the last one of the text that is followed by something short. */
function answerPhrase(text: string): GoldAnswer | null {
  let last: GoldAnswer | null = null;
  for (const { index } of text.matchAll(PHRASE)) {
    const start = index + 'answer'.length;
    // Enough for the link, one answer and the end of its sentence; no line is read twice to its end.
    const window = text.slice(start, start + 2 * MAX_LENGTH);
    const link = LINK.exec(window)?.[0] ?? '';
    if (!/is|[:=]/i.test(link)) continue;
    const [line = ''] = window.slice(link.length).split('\n', 1);
    const sentence = firstSentence(line);
    if (isShort(sentence)) last = found(sentence, 'answer phrase') ?? last;
  }
  return last;
}

function isShort(text: string): boolean {
  return text.length <= MAX_LENGTH && wordsOf(text) <= MAX_WORDS;
}

function wordsOf(text: string): number {
  return text.trim().split(/\s+/).length;
}

/** A text that is the answer itself: one short line that is no full sentence. */
function wholeText(text: string): GoldAnswer | null {
  const tidy = text.trim();
  if (tidy.includes('\n') || !isShort(tidy) || /[.!?]\s+\p{Lu}\p{Ll}/u.test(tidy)) return null;
  const sentence = /[.!?]$/.test(tidy) && wordsOf(tidy) > MAX_SENTENCE_WORDS;
  return sentence ? null : found(tidy, 'whole text');
}

/**
 * The expected answer of a row's answer or solution text. In this order: the content of the last whole `\boxed{…}`,
 * the last line behind `####`, the last `<answer>` tag, the last "answer is" or "Answer:", and a text of one line and
 * at most 12 words that is no full sentence, as it stands. Never throws; linear in the text.
 * @source GSM8K (arXiv 2110.14168) for `####`
 */
export function readGoldAnswer(text: string): GoldAnswer {
  if (text.trim() === '') return { answer: undefined, reason: 'it is empty' };
  const boxed = readAnswer(text).answer;
  if (boxed !== null) return { answer: boxed, rule: 'box' };
  const marked = finalLine(text) ?? answerTag(text);
  if (marked !== null) return marked;
  if (text.includes(BOX_OPENING)) {
    return { answer: undefined, reason: 'its box is empty or never closed' };
  }
  // A short line may hold the word "answer" in passing; the phrase still says more exactly what is meant.
  const read = answerPhrase(text) ?? wholeText(text);
  const reason = 'it is prose without a recognisable answer (no \\boxed{…}, no "#### 72", no "Answer: 72")';
  return read ?? { answer: undefined, reason };
}
