// Collects facts on their way to the page and posts them at most once per animation frame, in the order in which they
// were reported; a token's attention never comes before the token.

import type { AttentionShares, Segment, TokenFact } from '../../worker/protocol/answers';
import type { EngineEvent, EventBatch } from '../../worker/protocol/messages';

/** About one frame at 60 Hz. */
export const BATCH_MS = 16;

/** Where batches go: a MessagePort. */
export interface EventPort {
  postMessage(batch: EventBatch): void;
}

/** Runs `task` after a delay; a timer by default. */
export type Schedule = (task: () => void, delayMs: number) => void;

interface OpenTokens {
  readonly tokens: TokenFact[];
  readonly attention: Extract<EngineEvent, { type: 'attentionRecorded' }>[];
  segments: () => readonly Segment[];
}

/** Collects events until the next frame. */
export class EventQueue {
  readonly #schedule: Schedule;
  #port: EventPort | undefined;
  #events: EngineEvent[] = [];
  #open: OpenTokens | undefined;
  #scheduled = false;

  constructor(schedule: Schedule = (task, delayMs) => void setTimeout(task, delayMs)) {
    this.#schedule = schedule;
  }

  /** Sets where batches go; what was reported before is sent there first. */
  connect(port: EventPort): void {
    this.#port = port;
    this.flush();
  }

  /** Reports a fact. */
  push(event: EngineEvent): void {
    this.#closeTokens();
    this.#events.push(event);
    this.#wake();
  }

  /** Reports a token; those of one frame travel together, with the segments as they are when the frame ends. */
  pushToken(token: TokenFact, segments: () => readonly Segment[]): void {
    this.#open ??= { tokens: [], attention: [], segments };
    this.#open.tokens.push(token);
    this.#open.segments = segments;
    this.#wake();
  }

  /** Reports the attention of a token reported before. */
  pushAttention(step: number, shares: AttentionShares, map: Float32Array): void {
    const event = { type: 'attentionRecorded', step, shares, map } as const;
    if (this.#open === undefined) this.push(event);
    else this.#open.attention.push(event);
  }

  /** Posts everything now. */
  flush(): void {
    this.#closeTokens();
    if (this.#port === undefined || this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#port.postMessage({ version: 5, events });
  }

  #closeTokens(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#events.push({ type: 'tokensGenerated', tokens: open.tokens, segments: open.segments() });
    this.#events.push(...open.attention);
  }

  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.flush();
    }, BATCH_MS);
  }
}
