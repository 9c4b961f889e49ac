// Plays a finished answer again, token by token at reading speed, and ends on its look back: the steps of the look one
// after another, then the whole look, selected. It goes on until somebody pauses, asks something else, or picks steps.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { createAnswerParser } from '../answer/answer_grammar';
import { TokenSpanMap } from '../answer/token_spans';
import type { Segment } from '../worker/protocol/answers';
import type { LookAnswer } from './look_answer';
import type { Picture } from './look_picture';
import type { LookSelection } from './look_selection';
import type { Answer, Step } from './session';

/** Tokens a second that can be followed by reading. */
export const READING_SPEED = 12;
/** Steps of a look a second, when it is shown once more at the end. */
const LOOK_SPEED = 8;

/** What a replay drives. */
export interface ReplayParts {
  readonly session: ReadonlySignal<{ readonly answer: Answer | null }>;
  readonly answer: Pick<LookAnswer, 'showAnswer'>;
  readonly steps: Pick<LookSelection, 'cards' | 'selection' | 'pin' | 'pinCard' | 'toLive'>;
  /** Calls back about every frame with monotonic milliseconds until the returned function is called. */
  everyFrame(callback: (now: number) => void): () => void;
}

/** An answer that is being played, or was played to its end. */
export interface Replay {
  readonly answer: Answer;
  /** Tokens that are shown. */
  readonly shown: ReadonlySignal<number>;
  readonly running: ReadonlySignal<boolean>;
  /** Tokens a second. */
  readonly speed: ReadonlySignal<number>;
  play(): void;
  pause(): void;
  /** Shows the first `tokens` tokens, paused. */
  seek(tokens: number): void;
  setSpeed(tokensPerSecond: number): void;
  /** Shows everything, with the look selected. */
  finish(): void;
}

/** The segments after each number of tokens, from none to all. Linear in tokens times segments. */
export function segmentsAfter(steps: readonly Step[]): readonly (readonly Segment[])[] {
  const parser = createAnswerParser();
  const spans = new TokenSpanMap();
  const now = (): readonly Segment[] =>
    parser.segments.map(({ text: _, ...segment }) => ({
      ...segment,
      ...spans.rangeOf(segment.outerStart, segment.outerEnd),
    }));
  const list = [now()];
  for (const { text } of steps) {
    parser.push(text);
    spans.push(text);
    list.push(now());
  }
  parser.end();
  list[steps.length] = now();
  return list;
}

class Player implements Replay {
  readonly shown = signal(0);
  readonly running = signal(false);
  readonly speed = signal(READING_SPEED);
  readonly answer: Answer;
  readonly #pictures: readonly Picture[];
  readonly #parts: ReplayParts;
  readonly #segments: readonly (readonly Segment[])[];
  /** The part of the answer that this replay showed last. */
  #part: Answer | null = null;
  #cancel: (() => void) | null = null;

  constructor(answer: Answer, pictures: readonly Picture[], parts: ReplayParts) {
    this.answer = answer;
    this.#pictures = pictures;
    this.#parts = parts;
    this.#segments = segmentsAfter(answer.steps);
  }

  play(): void {
    if (this.running.value) return;
    if (this.shown.value >= this.answer.steps.length) this.#show(0);
    this.#parts.steps.toLive();
    this.running.value = true;
    this.#run(this.speed, this.shown.value, (tokens) => {
      const whole = Math.min(tokens, this.answer.steps.length);
      if (whole !== this.shown.value) this.#show(whole);
      if (whole < this.answer.steps.length) return true;
      this.#visitLook();
      return false;
    });
  }

  pause(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.running.value = false;
  }

  seek(tokens: number): void {
    this.pause();
    this.#parts.steps.toLive();
    this.#show(Math.min(Math.max(Math.round(tokens), 0), this.answer.steps.length));
  }

  setSpeed(tokensPerSecond: number): void {
    this.speed.value = tokensPerSecond;
  }

  finish(): void {
    this.pause();
    this.#show(this.answer.steps.length);
    this.#selectLook();
  }

  /** Counts on from `first` at a speed, until `act` returns false or something else takes the answer's place. */
  #run(speed: ReadonlySignal<number>, first: number, act: (count: number) => boolean): void {
    let before: number | null = null;
    let count = first;
    const stop = this.#parts.everyFrame((now) => {
      if (this.#parts.session.value.answer !== this.#part) {
        this.pause();
        return;
      }
      // A tab in the background gets no frames: it goes on where it was.
      count += (speed.value * Math.min(now - (before ?? now), 1000)) / 1000;
      before = now;
      if (!act(Math.floor(count))) stop();
    });
    this.#cancel = stop;
  }

  #show(tokens: number): void {
    const whole = tokens === this.answer.steps.length;
    const steps = this.answer.steps.slice(0, tokens);
    const part: Answer = whole
      ? this.answer
      : {
          ...this.answer,
          ...{ status: 'replaying', steps, result: null, segments: this.#segments[tokens] ?? [] },
          text: this.answer.text.slice(0, steps.at(-1)?.end ?? 0),
        };
    this.#part = part;
    batch(() => {
      this.shown.value = tokens;
      this.#parts.answer.showAnswer(part, this.#pictures);
    });
  }

  #visitLook(): void {
    const { steps } = this.#parts;
    const look = steps.cards.value.find(({ kind }) => kind === 'back');
    if (look === undefined) {
      this.pause();
      return;
    }
    let mine = steps.selection.value;
    this.#run(signal(LOOK_SPEED), look.fromStep, (step) => {
      // Somebody picked other steps, which is what they want to see.
      if (steps.selection.value !== mine) return this.#ended();
      if (step >= look.toStep) {
        steps.pinCard(look);
        return this.#ended();
      }
      steps.pin(step);
      mine = steps.selection.value;
      return true;
    });
  }

  #ended(): false {
    this.running.value = false;
    return false;
  }

  #selectLook(): void {
    const { steps } = this.#parts;
    const look = steps.cards.value.find(({ kind }) => kind === 'back');
    if (look !== undefined) steps.pinCard(look);
  }
}

/** A replay of a finished answer, showing nothing of it yet. */
export function createReplay(answer: Answer, pictures: readonly Picture[], parts: ReplayParts): Replay {
  const player = new Player(answer, pictures, parts);
  player.seek(0);
  return player;
}
