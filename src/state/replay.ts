// Plays a finished answer again, token by token at reading speed, and ends on its look back: the steps of the look one
// after another, then the whole look, selected. It goes on until somebody pauses, asks something else, or picks steps.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { Segment } from '../worker/protocol/answers';
import type { LookAnswer } from './look_answer';
import type { Picture } from './look_picture';
import type { LookSelection } from './look_selection';
import { countFrames, selectLook, visitLook } from './look_visit';
import { READING_SPEED } from './reading_pace';
import type { Answer, Step } from './session';
import { createTextSoFar } from './text_so_far';

/** What a replay drives. */
export interface ReplayParts {
  readonly session: ReadonlySignal<{ readonly answer: Answer | null }>;
  readonly answer: Pick<LookAnswer, 'showAnswer'>;
  readonly steps: Pick<LookSelection, 'cards' | 'selection' | 'showStep' | 'showCard' | 'toLive'>;
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
  const text = createTextSoFar();
  const list: (readonly Segment[])[] = [[], ...steps.map((step) => text.push(step.text))];
  list[steps.length] = text.end();
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
    const speed = () => this.speed.value;
    this.#cancel = countFrames(this.#parts, this.shown.value, speed, (tokens) => {
      if (this.#parts.session.value.answer !== this.#part) {
        this.pause();
        return false;
      }
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
    selectLook(this.#parts);
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
    const current = () => this.#parts.session.value.answer === this.#part;
    this.#cancel = visitLook({ ...this.#parts, current }, () => {
      this.running.value = false;
    });
  }
}

/** A replay of a finished answer, showing nothing of it yet. */
export function createReplay(answer: Answer, pictures: readonly Picture[], parts: ReplayParts): Replay {
  const player = new Player(answer, pictures, parts);
  player.seek(0);
  return player;
}
