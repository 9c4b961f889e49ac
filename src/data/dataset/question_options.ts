// Reads the options of a multiple-choice question from whatever form a data set gives them in, writes them into the
// question as the method's evaluation does, and maps the expected answer to its letter.
// Forms: columns A to D, lists, {text, label}, {A: …, B: …}, lists of {label, text}, the same as text (JSON, Python's
// and NumPy's notation, "A. red; B. blue", one per line).
// Source of the wording: the Look-Back evaluation of We-Math (arXiv 2507.03019, eval/main.py): "Options: …" and
// "Your final answer must be one of A, B, C, or D."

import { shorten } from './import_problems';

/** What a row offers: texts of A, B, C… in order, null for a question without options, or why they cannot be read. */
export type OptionsReading = { readonly options: readonly string[] | null } | { readonly reason: string };

/** Which option is expected: its place from 0; a number that counts from 0 or from 1; or why there is no telling. */
export type ExpectedOption =
  | { readonly option: number }
  | { readonly counted: number }
  | { readonly reason: string };

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const UNREADABLE =
  'has options in a form that is not read: give a list, or columns A, B, C and so on, with one text each';
/** Longer texts than this are no list of options. */
const MAX_TEXT = 20_000;

/** The letter of an option from 0. */
export function optionLetter(option: number): string {
  return LETTERS[option] ?? '?';
}

function fold(text: string): string {
  return text.normalize('NFKC').trim().replace(/\s+/g, ' ').replace(/\.$/, '').toLowerCase();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** A text as a label of the option at a place: `B`, `(b)`, `B.`. */
function isLabel(value: unknown, option: number): boolean {
  return typeof value === 'string' && value.replace(/[\s().:]/g, '').toUpperCase() === optionLetter(option);
}

/** A single option's text; of an object its text, when its label, if any, fits its place. */
function optionText(value: unknown, option: number): string | null {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!isObject(value)) return null;
  const label = value.label ?? value.letter ?? value.key ?? value.id;
  const text = value.text ?? value.value ?? value.content ?? value.option;
  const fits = typeof label !== 'string' || isLabel(label, option);
  return fits && !isObject(text) ? optionText(text, option) : null;
}

/** Takes `A. `, `(B) ` from all texts when each begins with its own letter. */
function withoutLabels(texts: readonly string[]): string[] {
  const rest = texts.map((text, option) => {
    const label = /^\(?([A-Za-z])[).:]\s*(?=\S)/.exec(text) ?? /^\(([A-Za-z])\)\s*/.exec(text);
    return label?.[1]?.toUpperCase() === optionLetter(option) ? text.slice(label[0].length) : null;
  });
  return rest.every((text): text is string => text !== null) ? rest : [...texts];
}

function fromList(list: readonly unknown[]): OptionsReading {
  if (list.length === 0) return { options: null };
  const end = list.findLastIndex((value) => !isBlank(value)) + 1;
  if (end === 0) return { options: null };
  if (end > LETTERS.length) return { reason: `has ${end} options; up to ${LETTERS.length} are read` };
  const texts = list.slice(0, end).map(optionText);
  const bad = texts.findIndex((text) => text === null || text === '');
  if (bad >= 0) {
    const what = texts[bad] === '' ? 'is empty' : 'is not a text';
    return { reason: `option ${optionLetter(bad)} ${what}` };
  }
  if (end === 1) return { reason: 'has only one option' };
  return { options: withoutLabels(texts as string[]) };
}

function fromObject(value: Readonly<Record<string, unknown>>): OptionsReading {
  const texts = value.text ?? value.texts ?? value.choices;
  const labels = value.label ?? value.labels;
  if (Array.isArray(texts)) {
    const fits =
      !Array.isArray(labels) || labels.every((label, i) => isLabel(label, i) || label === String(i + 1));
    return fits ? fromList(texts) : { reason: 'has options whose labels are not A, B, C and so on' };
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return { options: null };
  return keys.every(isLabel) ? fromList(Object.values(value)) : { reason: UNREADABLE };
}

/** Texts in quotes between square brackets, as Python and NumPy print lists; null when it is something else. */
function pythonList(text: string): string[] | null {
  const items: string[] = [];
  const item = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?))\s*(?:,|(?=\]|['"\n ]))/y;
  item.lastIndex = 1;
  while (item.lastIndex < text.length - 1) {
    const at = item.lastIndex;
    const match = item.exec(text);
    if (match === null) return /^\s*$/.test(text.slice(at, -1)) ? items : null;
    items.push((match[1] ?? match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'));
  }
  return items;
}

/** `A. red; B. blue` cut at its own letters; null when they are not A, B, C in order. */
function labelledText(text: string): string[] | null {
  const marks = [...text.matchAll(/(?:^|[\s;,|])(?:\(([A-Z])\)|([A-Z])[).:])\s*/g)];
  const starts: { from: number; to: number }[] = [];
  for (const mark of marks) {
    if ((mark[1] ?? mark[2]) !== LETTERS[starts.length]) continue;
    starts.push({ from: mark.index, to: mark.index + mark[0].length });
  }
  if (starts.length < 2 || text.slice(0, starts[0]?.from).trim() !== '') return null;
  return starts.map(({ to }, i) =>
    text.slice(to, starts[i + 1]?.from ?? text.length).replace(/[\s;,|]+$/, ''),
  );
}

function fromText(text: string): OptionsReading {
  const tidy = text.trim();
  if (tidy === '' || /^(?:nan|none|null)$/i.test(tidy)) return { options: null };
  if (tidy.length > MAX_TEXT) return { reason: UNREADABLE };
  if (/^[[{]/.test(tidy)) {
    try {
      const json: unknown = JSON.parse(tidy);
      return Array.isArray(json)
        ? fromList(json)
        : isObject(json)
          ? fromObject(json)
          : { reason: UNREADABLE };
    } catch {
      const list = tidy.startsWith('[') && tidy.endsWith(']') ? pythonList(tidy) : null;
      return list === null ? { reason: UNREADABLE } : fromList(list);
    }
  }
  const parts = labelledText(tidy) ?? tidy.split(/\r?\n|\|/).filter((part) => part.trim() !== '');
  return parts.length > 1 ? fromList(parts) : { reason: UNREADABLE };
}

/** Reads a row's options from the columns that hold them: one of all, or one for each. */
export function readOptions(values: readonly unknown[]): OptionsReading {
  if (values.length !== 1) return fromList(values);
  const [value] = values;
  if (isBlank(value)) return { options: null };
  if (Array.isArray(value)) return fromList(value);
  if (isObject(value)) return fromObject(value);
  return typeof value === 'string' ? fromText(value) : { reason: UNREADABLE };
}

/** Whether a question lists its options already: each text behind its own letter. */
function listsOptions(question: string, options: readonly string[]): boolean {
  let from = 0;
  return options.every((option, i) => {
    const letter = optionLetter(i);
    for (let at = question.indexOf(option, from); at >= 0; at = question.indexOf(option, at + 1)) {
      if (!new RegExp(`(?:^|[\\s(])${letter}[).:]\\s*$`).test(question.slice(Math.max(0, at - 8), at)))
        continue;
      from = at + option.length;
      return true;
    }
    return false;
  });
}

function letterList(count: number): string {
  const letters = [...LETTERS.slice(0, count)];
  const last = letters.pop();
  return letters.length === 1 ? `${letters[0]} or ${last}` : `${letters.join(', ')}, or ${last}`;
}

/** The question with its options, unless it lists them already. */
export function withOptions(question: string, options: readonly string[]): string {
  if (listsOptions(question, options)) return question;
  const pictured = options.every(isLabel);
  const list = options.map((text, i) => (pictured ? text : `${optionLetter(i)}. ${text}`)).join('; ');
  return `${question}\n\nOptions: ${list}\nYour final answer must be one of ${letterList(options.length)}.`;
}

/** `B`, `(B)`, `B.`, `Option B`, with or without the option's text behind; null when no letter stands in front. */
function lettered(answer: string): { option: number; text: string } | null {
  const match = /^(?:option\s+|choice\s+)?(?:\(([A-Za-z])\)|([A-Za-z])[).:]|([A-Za-z])$)\s*(.*)$/is.exec(
    answer.trim(),
  );
  const letter = match?.[1] ?? match?.[2] ?? match?.[3];
  if (letter === undefined) return null;
  return { option: LETTERS.indexOf(letter.toUpperCase()), text: match?.[4] ?? '' };
}

/** Which option an answer means: by its letter, by its text, or by its number. */
export function expectedOption(answer: string, options: readonly string[]): ExpectedOption {
  const shown = `answer "${shorten(answer, 40)}"`;
  const byText = options.flatMap((text, i) => (fold(text) === fold(answer) ? [i] : []));
  if (byText.length > 1) return { reason: `${shown} is the text of several options: write its letter` };
  const [text] = byText;
  const letter = lettered(answer);
  if (letter !== null && letter.option < options.length) {
    const own = options[letter.option] ?? '';
    const agrees = letter.text === '' || fold(letter.text) === fold(own);
    if (text !== undefined && text !== letter.option) {
      return {
        reason: `${shown} is a letter and the text of another option: there is no telling which is meant`,
      };
    }
    if (agrees) return { option: letter.option };
    return { reason: `${shown} names a letter and another option's text: correct one of them` };
  }
  if (text !== undefined) return { option: text };
  if (/^\d{1,2}$/.test(answer.trim()) && Number(answer) <= options.length) return { counted: Number(answer) };
  return { reason: `${shown} is none of the options A to ${optionLetter(options.length - 1)}` };
}

/**
 * Where numbers count the options from, of all rows together: 0 when one is 0 and none the number of its options, 1 the
 * other way round; null when that does not tell.
 */
export function countsFrom(
  rows: readonly { readonly counted: number; readonly options: number }[],
): 0 | 1 | null {
  const [zero, top] = [
    rows.some(({ counted }) => counted === 0),
    rows.some((row) => row.counted === row.options),
  ];
  if (zero === top) return null;
  return zero ? 0 : 1;
}

/** Columns that hold options, guessed by their names: A, B, C…, option_a…, option 1…, or one of all. Empty for none. */
export function guessOptionColumns(columns: readonly string[]): readonly string[] {
  const folded = new Map(columns.map((column) => [column.toLowerCase().replace(/[\s_-]+/g, ''), column]));
  for (const prefix of ['', 'option', 'choice', 'opt']) {
    for (const marks of prefix === '' ? ['abcdefghij'] : ['abcdefghij', '123456789']) {
      const names = [...marks].map((mark) => folded.get(prefix + mark));
      const end = names.indexOf(undefined);
      if (end >= 2 || end < 0) return names.slice(0, end < 0 ? undefined : end) as string[];
    }
  }
  const one = ['options', 'choices', 'option', 'multiplechoiceoptions', 'candidates'].find((name) =>
    folded.has(name),
  );
  return one === undefined ? [] : [folded.get(one) as string];
}
