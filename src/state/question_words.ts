// Knows, while a question is typed, which of its words the loaded model cannot read. The engine looks them up; this asks
// it a moment after the last keystroke and drops answers that a newer text has overtaken.

import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { EngineClient } from '../worker/client';
import type { QuestionReading } from '../worker/protocol/answers';

/** A piece of the question as it was typed. */
export interface QuestionPiece {
  readonly text: string;
  readonly unknown: boolean;
}

/** What the page shows of a question's words. */
export interface QuestionWords {
  /** Null until the engine has answered about the present text, and without a model. */
  readonly reading: ReadonlySignal<QuestionReading | null>;
  /** The question cut at its unknown words; the pieces joined are the question. */
  readonly pieces: ReadonlySignal<readonly QuestionPiece[]>;
  /** True when the model can read no word of it. */
  readonly unreadable: ReadonlySignal<boolean>;
  dispose(): void;
}

const PAUSE_MS = 120;
const WORDS = /[\p{L}\p{N}]+/gu;

/** The text cut at words that are unknown, in any case of letters. */
export function piecesOf(text: string, unknown: readonly string[]): QuestionPiece[] {
  const wanted = new Set(unknown.map((word) => word.toLowerCase()));
  const pieces: QuestionPiece[] = [];
  let at = 0;
  for (const match of text.matchAll(WORDS)) {
    if (!wanted.has(match[0].toLowerCase())) continue;
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), unknown: false });
    at = match.index + match[0].length;
    pieces.push({ text: match[0], unknown: true });
  }
  if (at < text.length) pieces.push({ text: text.slice(at), unknown: false });
  return pieces;
}

/** Replaces a word of a text by another wherever it stands as a whole word, in any case of letters. */
export function replaceWord(text: string, word: string, by: string): string {
  return text.replace(WORDS, (found) => (found.toLowerCase() === word.toLowerCase() ? by : found));
}

/**
 * Follows a question.
 * @param model anything that changes when another model is loaded
 */
export function followQuestion(
  client: Pick<EngineClient, 'readQuestion'>,
  question: ReadonlySignal<string>,
  model: ReadonlySignal<unknown>,
): QuestionWords {
  const about = signal<{ readonly text: string; readonly reading: QuestionReading } | null>(null);
  let asked = 0;
  const dispose = effect(() => {
    const text = question.value;
    asked += 1;
    const ticket = asked;
    if (model.value === null || text.trim() === '') {
      about.value = null;
      return;
    }
    const timer = setTimeout(() => {
      client.readQuestion(text).then(
        (reading) => {
          if (ticket === asked) about.value = reading === null ? null : { text, reading };
        },
        // A question that cannot be looked up is simply not marked; asking it tells what is wrong.
        () => undefined,
      );
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  });
  const reading = computed(() => (about.value?.text === question.value ? about.value.reading : null));
  const pieces = computed(() => {
    // Words of a text that is being extended stay marked until the new answer is there.
    const words = (reading.value ?? about.value?.reading)?.unknown.map(({ word }) => word) ?? [];
    return piecesOf(question.value, words);
  });
  const unreadable = computed(() => reading.value !== null && reading.value.share === 1);
  return { reading, pieces, unreadable, dispose };
}
