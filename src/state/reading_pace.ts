// Lets the tokens of a live answer through no faster than they can be read, when somebody wants that. What the engine reports
// keeps its order: whatever comes behind a token that waits, waits too.

import { type ReadonlySignal, signal } from '@preact/signals';
import type { EngineEvent } from '../worker/protocol/messages';
import type { KeptText } from './kept_plan';
import { createTextSoFar } from './text_so_far';

/** Tokens a second that can be followed by reading. */
export const READING_SPEED = 12;
/** The longest that a tab in the background lets a frame last, in milliseconds: it goes on where it was. */
const LONGEST_FRAME = 1000;

/** The pace of live answers. */
export interface ReadingPace {
  /** Whether live answers are shown at reading speed. */
  readonly paced: ReadonlySignal<boolean>;
  /** Keeps the choice for the next visits; switched off, what waits is shown at once. */
  setPaced(on: boolean): void;
  /** Takes what the engine reports. */
  take(events: readonly EngineEvent[]): void;
  /** Shows all that waits at once. */
  flush(): void;
}

/** What a pace takes of the page. */
export interface PaceParts {
  readonly kept: KeptText;
  everyFrame(callback: (now: number) => void): () => void;
  apply(events: readonly EngineEvent[]): void;
}

/** What tells of the answer, in its order; all else is let through at once. */
const OF_ANSWER: readonly EngineEvent['type'][] = [
  'promptReady',
  'tokensGenerated',
  'attentionRecorded',
  'generationFinished',
];

/** What ends an answer before its end: nothing is waited for then. */
const BREAKS: readonly EngineEvent['type'][] = ['failed', 'deviceLost'];

class Pacer implements ReadingPace {
  readonly paced = signal(false);
  readonly #parts: PaceParts;
  #waiting: EngineEvent[] = [];
  #stop: (() => void) | null = null;
  #before: number | null = null;
  /** Tokens that may be shown now, with fractions; at most one is saved up, so that a slow model is not caught up with. */
  #due = 1;
  #text = createTextSoFar();

  constructor(parts: PaceParts) {
    this.#parts = parts;
    this.paced.value = parts.kept.read() === 'on';
  }

  setPaced(on: boolean): void {
    this.paced.value = on;
    this.#parts.kept.write(on ? 'on' : 'off');
    if (!on) this.flush();
  }

  take(events: readonly EngineEvent[]): void {
    if (!this.paced.value) {
      this.#parts.apply(events);
      return;
    }
    for (const event of events) {
      if (BREAKS.includes(event.type)) this.flush();
      if (OF_ANSWER.includes(event.type)) this.#waiting.push(...this.#singly(event));
      else this.#parts.apply([event]);
    }
    this.#letThrough();
    if (this.#due < 1) this.#stop ??= this.#parts.everyFrame((now) => this.#frame(now));
  }

  flush(): void {
    const events = this.#waiting;
    this.#waiting = [];
    this.#rest();
    if (events.length > 0) this.#parts.apply(events);
  }

  /** Each token as an event of its own, with the segments of the text up to it. */
  #singly(event: EngineEvent): EngineEvent[] {
    if (event.type === 'promptReady') this.#text = createTextSoFar();
    if (event.type !== 'tokensGenerated') return [event];
    return event.tokens.map((token) => ({
      ...event,
      tokens: [token],
      segments: this.#text.push(token.text),
    }));
  }

  #frame(now: number): void {
    this.#due += (READING_SPEED * Math.min(now - (this.#before ?? now), LONGEST_FRAME)) / 1000;
    this.#before = now;
    this.#letThrough();
    if (this.#waiting.length === 0 && this.#due >= 1) this.#rest();
  }

  #rest(): void {
    this.#stop?.();
    this.#stop = null;
    this.#before = null;
    this.#due = 1;
  }

  /** Applies what may be shown: as many tokens as are due, and what stands between and behind them. */
  #letThrough(): void {
    let count = 0;
    while (count < this.#waiting.length) {
      if (this.#waiting[count]?.type === 'tokensGenerated') {
        if (this.#due < 1) break;
        this.#due -= 1;
      }
      count += 1;
    }
    if (count > 0) this.#parts.apply(this.#waiting.splice(0, count));
  }
}

/** A pace as it was chosen on the last visit. */
export function createReadingPace(parts: PaceParts): ReadingPace {
  return new Pacer(parts);
}
