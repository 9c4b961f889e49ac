// Makes a question about one picture out of a row's named values: which column is what, system text, options, answers in
// boxes. A picture leaves here as a path or as encoded bytes. A row is either whole or refused with a reason; no
// second picture, question or turn is dropped silently.
// Row forms: LLaVA's `conversations` (from/value), TRL's and OpenAI's `messages` (role/content, parts), Hugging Face
// datasets' pictures (`{bytes, path}`), VLMEvalKit's TSV (bare base64).

import { readAnswer } from '../../answer/answer_reading';
import { expectedAnswers, expectedText } from '../../answer/expected_answers';
import { readGoldAnswer } from '../../answer/gold_answer';
import { isChat, readChat } from './chat_turns';
import { type ImagePath, readImagePath } from './image_path';
import type { ImportLimits } from './import_limits';
import { shorten } from './import_problems';
import {
  expectedOption,
  guessOptionColumns,
  optionLetter,
  readOptions,
  withOptions,
} from './question_options';
import { type RemainingColumns, remainingColumns } from './row_columns';
import { isObject, ownValue, Refusal, refuse } from './row_values';

/** Which column of the source holds what; null where there is none. */
export interface ImportColumns {
  readonly image: string | null;
  readonly question: string | null;
  readonly answer: string | null;
  readonly response: string | null;
  /** Of a text for the system turn; a chat's own system turn needs none. */
  readonly system: string | null;
  /** The column that holds all options of a question, or one column for each; empty where there are none. */
  readonly options: readonly string[];
}

/** Where a row's picture is: the path of a file, or the encoded file, as bytes or in base64. */
export type ImageReference =
  | ({ readonly kind: 'path' } & ImagePath)
  | { readonly kind: 'inline'; readonly data: string | Uint8Array; readonly name: string | null };

/** A row whose texts are whole; its picture was not looked for yet. */
export interface RowTexts extends RemainingColumns {
  readonly image: ImageReference;
  /** What the system turn says before the question; null where it says nothing. */
  readonly system: string | null;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
  /** What a column `kind` says; null where it says nothing. */
  readonly kind: string | null;
  /** The row's own name; null where it has none. */
  readonly id: string | null;
  /** Content of the response's last box; null where there is none. */
  readonly boxed: string | null;
  /** Texts of the options that the question lists; null for a question without options. */
  readonly options: readonly string[] | null;
  /** An answer that is a number of an option, from 0 or from 1, which all rows together must tell; else null. */
  readonly counted: number | null;
}

const NAMES = {
  image: [
    ...[
      'image',
      'images',
      'image_path',
      'image_file',
      'image_name',
      'file_name',
      'filename',
      'img',
      'img_path',
    ],
    ...['picture', 'photo'],
  ],
  question: ['question', 'problem', 'prompt', 'query', 'instruction', 'input'],
  answer: [
    ...['answer', 'answers', 'solution', 'ground_truth', 'gt', 'gt_answer', 'correct_answer', 'final_answer'],
    ...['answer_key', 'answerkey', 'multiple_choice_answer', 'correct_option', 'correct_choice'],
    ...['answer_idx', 'answer_index', 'correct_choice_idx', 'correct_idx', 'expected', 'label', 'target'],
  ],
  response: ['response', 'completion', 'output', 'chain', 'reasoning', 'rationale'],
  system: ['system', 'system_prompt', 'system_message'],
} as const;
/** Columns that name a row, the more telling ones first. */
const IDS = ['id', 'question_id', 'qid', 'uid', 'pid', 'index', 'idx'];
const CHATS = ['conversations', 'messages', 'conversation'];

function foldColumn(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');
}

/** Guesses by names, the more telling ones first; a column of chat turns stands in for what has none of its own. */
export function guessColumns(columns: readonly string[]): ImportColumns {
  const byName = new Map<string, string>();
  for (const column of columns) if (!byName.has(foldColumn(column))) byName.set(foldColumn(column), column);
  const first = (names: readonly string[]): string | null => {
    const name = names.find((candidate) => byName.has(candidate));
    return name === undefined ? null : (byName.get(name) ?? null);
  };
  const chat = first(CHATS);
  return {
    image: first(NAMES.image) ?? chat,
    question: first(NAMES.question) ?? chat,
    answer: first(NAMES.answer),
    response: first(NAMES.response) ?? chat,
    system: first(NAMES.system),
    options: guessOptionColumns(columns),
  };
}

const PLACEHOLDER = /<image>\s?|<\|vision_start\|>(?:<\|image_pad\|>)*<\|vision_end\|>\s?/g;
/** How base64 of PNG, JPEG, GIF and WebP begins. */
const KNOWN_BASE64 = /^(?:iVBORw0KGgo|\/9j\/|R0lGOD|UklGR)[A-Za-z0-9+/\s]{64}/;
/** Of other pictures: a long run of its characters, at whose end no extension stands. */
const ANY_BASE64 = /^[A-Za-z0-9+/\s]{160}/;
const ENDS_AS_NAME = /\.[A-Za-z0-9]{1,5}\s*$/;

function isBareBase64(text: string): boolean {
  return KNOWN_BASE64.test(text) || (ANY_BASE64.test(text) && !ENDS_AS_NAME.test(text.slice(-12)));
}

const DATA_URL = /^data:([^;,]{0,100})((?:;[^;,]{0,100}){0,8}),/i;

function readDataUrl(text: string): ImageReference {
  const header = DATA_URL.exec(text);
  if (header === null || !/^image\//i.test(header[1] ?? '') || !/;base64$/i.test(header[2] ?? '')) {
    return refuse(`image "${shorten(text, 40)}" must be data:image/…;base64,…`);
  }
  return { kind: 'inline', data: text.slice(header[0].length), name: null };
}

function fileName(path: unknown): string | null {
  if (typeof path !== 'string') return null;
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return name === '' ? null : shorten(name);
}

function readImageText(text: string): ImageReference {
  if (/^data:/i.test(text)) return readDataUrl(text);
  if (isBareBase64(text)) return { kind: 'inline', data: text, name: null };
  const path = readImagePath(text);
  return 'reason' in path ? refuse(path.reason) : { kind: 'path', ...path };
}

/** Reads one picture in any of its forms; a list may hold exactly one. */
function readImage(value: unknown, nested = false): ImageReference {
  if (typeof value === 'string' && value.trim() !== '') return readImageText(value);
  if (Array.isArray(value) && !nested) {
    if (value.length > 1) refuse(`has ${value.length} pictures; one picture per question is read`);
    return value.length === 0 ? refuse('has no picture') : readImage(value[0], true);
  }
  if (value instanceof Uint8Array && value.length > 0) return { kind: 'inline', data: value, name: null };
  if (isObject(value)) {
    const [bytes, path] = [ownValue(value, 'bytes'), ownValue(value, 'path')];
    if ((typeof bytes === 'string' || bytes instanceof Uint8Array) && bytes.length > 0)
      return { kind: 'inline', data: bytes, name: fileName(path) };
    if (bytes === undefined && typeof path === 'string') return readImage(path, true);
    refuse('image must be a path, a data URL, or {bytes, path} with the bytes in base64');
  }
  return refuse(
    value === undefined || value === null || value === '' ? 'has no picture' : 'image must be a path',
  );
}

/** A reply of a chat above this length is prose, not an answer. */
const MAX_SHORT_REPLY = 100;

/** The answer that a response names; of a chat, as LLaVA's data has them, also a short reply itself. */
function answerOfResponse(response: string, isReply: boolean): string | null {
  const gold = readGoldAnswer(response);
  if (gold.rule !== undefined && gold.rule !== 'whole text') return gold.answer;
  const isShort = response.length <= MAX_SHORT_REPLY && !response.includes('\n');
  return isReply && isShort ? response : null;
}

/**
 * Of a list of answers: where one is given more than once, they are the votes of several people, and the one that most of
 * them gave counts, of equals the first. Else all of them are right, unless they name options, of which one is.
 */
function answersOf(value: unknown, hasOptions: boolean): unknown {
  if (isChat(value) || !Array.isArray(value)) return value;
  const texts = [...(value as readonly unknown[])].map((item) =>
    isObject(item) ? ownValue(item, 'answer') : item,
  );
  const counts = new Map<string, number>();
  for (const text of texts) {
    if (typeof text !== 'string' && typeof text !== 'number')
      return refuse('answers must be texts or numbers');
    counts.set(String(text), (counts.get(String(text)) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  if (most === 1 && counts.size > 1 && !hasOptions) {
    const given = [...counts.keys()].map((text) => text.trim()).filter((text) => text !== '');
    return given.length === 0 ? undefined : expectedText(given);
  }
  return [...counts].find(([, count]) => count === most)?.[0];
}

interface RowReader {
  readonly values: ReadonlyMap<string, unknown>;
  readonly mapping: ImportColumns;
  readonly limits: ImportLimits;
}

/** The column's text: itself, or what the given side says in its chat. Undefined when there is none. */
function readText(
  { values, mapping, limits }: RowReader,
  field: 'question' | 'answer' | 'response' | 'system',
): string | undefined {
  const column = mapping[field];
  const value = column === null ? undefined : (values.get(column) ?? undefined);
  if (column === null || value === undefined) return undefined;
  let text: unknown = field === 'answer' ? answersOf(value, mapping.options.length > 0) : value;
  if (isChat(value)) {
    const chat = readChat(value, shorten(column));
    if (field === 'question') text = chat.user;
    else text = (field === 'system' ? chat.system : chat.assistant) ?? '';
  }
  if (text === undefined || text === null) return undefined;
  if (field === 'answer' && typeof text === 'number' && Number.isFinite(text)) text = String(text);
  if (typeof text !== 'string') {
    return refuse(`${field} must be a text${field === 'answer' ? ' or a number' : ''}`);
  }
  return checkLength(field, text, limits).trim() === '' ? undefined : text;
}

function checkLength(field: string, text: string, { maxTextLength }: ImportLimits): string {
  if (text.length <= maxTextLength) return text;
  return refuse(`${field} has ${text.length} characters; up to ${maxTextLength} are read`);
}

/** The system text: of its column, or of the system turn before the question. */
function readSystem(reader: RowReader): string | null {
  const { values, mapping, limits } = reader;
  const given = readText(reader, 'system')?.trim() ?? null;
  const asked = mapping.question === null ? undefined : values.get(mapping.question);
  const turn = isChat(asked) ? readChat(asked, shorten(mapping.question ?? '')).system : null;
  const spoken = checkLength('system turn', turn ?? '', limits).trim();
  if (spoken === '') return given;
  if (given !== null && given !== spoken)
    refuse(`has one system text in ${shorten(mapping.system ?? '')} and another as a turn: leave one out`);
  return spoken;
}

function readQuestion(reader: RowReader): string {
  const text = readText(reader, 'question') ?? refuse('has no question');
  const places = text.match(PLACEHOLDER)?.length ?? 0;
  if (places > 1) refuse(`question asks about ${places} pictures; one picture per question is read`);
  return text.replace(PLACEHOLDER, '').trim() || refuse('has no question');
}

const PLAIN_WORD = /^\s*[^\\<#\s:=]{1,40}\s*$/;

/** The expected answer, of the response where no column gives one. */
function readAnswerText(reader: RowReader, response: string | null): string {
  const given = readText(reader, 'answer');
  // Several right answers stand as they are.
  if (given !== undefined && expectedAnswers(given).length > 1) return expectedText(expectedAnswers(given));
  // One plain word needs no search; most rows of large tables have no more.
  if (given !== undefined && PLAIN_WORD.test(given)) return given.trim();
  if (given !== undefined) {
    const { answer, reason } = readGoldAnswer(given);
    return answer ?? refuse(`has no answer: ${reason}`);
  }
  if (response === null) return refuse('has no answer');
  const { values, mapping } = reader;
  const isReply = mapping.response !== null && isChat(values.get(mapping.response));
  const lacking = 'has no answer, and its response no \\boxed{}: choose the column that holds the answer';
  return answerOfResponse(response, isReply) ?? refuse(lacking);
}

function readId(values: ReadonlyMap<string, unknown>): string | null {
  for (const name of IDS) {
    const value = values.get(name);
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  }
  return null;
}

/** The columns that have no other use. */
function readRemaining({ values, mapping, limits }: RowReader): RemainingColumns {
  const { options, ...named } = mapping;
  return remainingColumns(values, new Set([...Object.values(named), ...options]), limits);
}

function readRowImage({ values, mapping }: RowReader): ImageReference {
  const value = mapping.image === null ? undefined : values.get(mapping.image);
  return readImage(isChat(value) ? readChat(value, shorten(mapping.image ?? '')).images : value);
}

/**
 * Reads a row: the picture's reference, the question without its placeholder, the answer (from the response when
 * there is no other) and the response. Never throws; a row that lacks anything is a reason.
 */
export function readRow(
  values: ReadonlyMap<string, unknown>,
  mapping: ImportColumns,
  limits: ImportLimits,
): RowTexts | { readonly reason: string } {
  const reader: RowReader = { values, mapping, limits };
  try {
    const image = readRowImage(reader);
    const asked = readQuestion(reader);
    const response = readText(reader, 'response')?.trim() ?? null;
    const answer = readAnswerText(reader, response);
    const boxed = response === null ? null : readAnswer(response).answer;
    const { kind, id } = { kind: values.get('kind'), id: readId(values) };
    const whole = {
      ...{ image, response, boxed, id, options: null, counted: null, system: readSystem(reader) },
      kind: typeof kind === 'string' && kind !== '' ? kind : null,
      ...readRemaining(reader),
    };
    const found = readOptions(mapping.options.map((column) => values.get(column)));
    if ('reason' in found) return found;
    const { options } = found;
    if (mapping.options.length === 0 || options === null) return { ...whole, question: asked, answer };
    const expected = expectedOption(answer, options);
    if ('reason' in expected) return expected;
    const question = withOptions(asked, options);
    return 'counted' in expected
      ? { ...whole, question, answer, options, counted: expected.counted }
      : { ...whole, question, answer: optionLetter(expected.option), options };
  } catch (error) {
    if (error instanceof Refusal) return { reason: error.message };
    throw error;
  }
}
