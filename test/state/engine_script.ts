// Scripts an answer as engine events, and an engine client that plays events by hand: what the state's tests run on.
// Shares and maps are made up, so that tests know them exactly.

import { createAnswerParser } from '../../src/answer/answer_grammar';
import type { PlainError } from '../../src/lib/plain_error';
import type { Asked } from '../../src/state/session';
import type { EngineClient } from '../../src/worker/client';
import { COMMAND_NAMES } from '../../src/worker/commands';
import type { GenerateResult, PromptFact, Segment } from '../../src/worker/protocol/answers';
import type { LoadedModel } from '../../src/worker/protocol/engine';
import type { EngineCommands, EngineEvent } from '../../src/worker/protocol/messages';

export const LOADED_MODEL: LoadedModel = {
  entry: { id: 'pocket', label: 'Pocket', folder: 'models/pocket', bytes: 1 },
  parameters: 1,
  layers: 1,
  heads: 1,
  modes: ['plain', 'solution'],
  square: true,
  seesCells: true,
  maxPictures: 1,
  followsUp: false,
  maxNewTokens: 100,
  knows: 'Shapes.',
  doubt: null,
};

export const PROMPT: PromptFact = {
  promptTokens: 20,
  imageTokens: 9,
  square: true,
  pictures: [
    {
      grid: [3, 3],
      ...{ sourceWidth: 64, sourceHeight: 64, resizedWidth: 64, resizedHeight: 64 },
      notes: [],
      cells: null,
    },
  ],
};

export const ASKED: Asked = {
  picture: 'picture 1',
  expected: null,
  question: 'Count the red squares. How many?',
  mode: 'solution',
  temperature: 0,
  topP: 1,
  topK: 0,
  repetitionPenalty: 1,
  seed: 1,
  maxNewTokens: 100,
  maxImageTokens: 1024,
  capture: true,
  adapter: null,
};

export function token(step: number, text: string, segments: readonly Segment[] = []): EngineEvent {
  return {
    type: 'tokensGenerated',
    tokens: [{ step, id: step, text, shares: null, map: null, atMs: step }],
    segments,
  };
}

/** Attention with `image` on the picture, all of it on cell `step % 9`. */
export function attention(step: number, image: number): EngineEvent {
  const map = new Float32Array(9);
  map[step % 9] = image;
  return { type: 'attentionRecorded', step, shares: { image, query: 0.3, generated: 0.65 - image }, map };
}

const ABOUT = { picture: ASKED.picture, question: ASKED.question };

export function resultOf(text: string, answer: string | null = null): GenerateResult {
  const stats = {
    promptTokens: 20,
    reusedTokens: 0,
    generatedTokens: 3,
    timeToFirstTokenMs: 10,
    totalMs: 30,
    tokensPerSecond: 100,
    seed: 1,
    finishReason: 'eos' as const,
  };
  return { about: ABOUT, text, answer, verdict: null, truth: null, phases: null, stats };
}

export function finished(text: string, segments: readonly Segment[] = []): EngineEvent {
  return { type: 'generationFinished', result: resultOf(text, '3'), segments };
}

const TOKENS =
  '<think>| i see| 2| red squares.|</think>| <back>| check| a1| red square 1|</back>| <think>| so 1.|</think>| \\boxed{| 1| }'.split(
    '|',
  );

/** The segments of the scripted text after `count` tokens, content without tags. */
export function segmentsAfter(count: number): Segment[] {
  const parser = createAnswerParser();
  parser.push(TOKENS.slice(0, count).join(''));
  if (count === TOKENS.length) parser.end();
  const { segments } = parser;
  return segments.map(({ text: _, ...segment }) => ({ ...segment, tokenStart: 0, tokenEnd: 0 }));
}

/** Share of attention on the image at each step of the script. */
export const IMAGE_SHARES = [
  0.1, 0.3, 0.5, 0.2, 0.05, 0.1, 0.4, 0.6, 0.2, 0.1, 0.05, 0.05, 0.02, 0.02, 0.1, 0.05,
];

/** A whole answer: every token, its attention one step later, and the end. */
export function script(): EngineEvent[] {
  const events: EngineEvent[] = [{ type: 'promptReady', prompt: PROMPT }];
  TOKENS.forEach((text, step) => {
    events.push(token(step, text, segmentsAfter(step + 1)));
    if (step > 0) events.push(attention(step - 1, IMAGE_SHARES[step - 1] ?? 0));
  });
  events.push(attention(TOKENS.length - 1, IMAGE_SHARES.at(-1) ?? 0));
  events.push(finished(TOKENS.join(''), segmentsAfter(TOKENS.length)));
  return events;
}

// The commands themselves are put on the object below, one per name.
const Commands = class {} as unknown as new () => EngineCommands;

/** A call that waits for its answer. */
interface Pending {
  resolve(value: unknown): void;
  reject(error: PlainError): void;
}

/** How long an answer waits for its question: parts of the page are fetched before they ask. */
const ASKED_WITHIN_MS = 5000;

/** A client whose every promise is settled by the test. */
export class HandEngine extends Commands implements EngineClient {
  readonly calls: string[] = [];
  /** Values of the last call by name. */
  readonly values = new Map<string, readonly unknown[]>();
  private readonly listeners = new Set<(events: readonly EngineEvent[]) => void>();
  /** The last call of each name that has no answer yet. */
  readonly pending = new Map<string, Pending>();

  constructor() {
    super();
    for (const name of COMMAND_NAMES) {
      Object.assign(this, { [name]: (...values: unknown[]) => this.call(name, values) });
    }
  }

  listen(listener: (events: readonly EngineEvent[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(...events: EngineEvent[]): void {
    for (const listener of this.listeners) listener(events);
  }

  private call<T>(name: string, values: readonly unknown[] = []): Promise<T> {
    this.calls.push(name);
    this.values.set(name, values);
    return new Promise<T>((resolve, reject) => {
      this.pending.set(name, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Resolves the last call of that name, once there is one, and lets what waits for it run. @throws where none comes */
  async resolve(name: string, value?: unknown): Promise<void> {
    (await this.#asked(name)).resolve(value);
    await new Promise((done) => setTimeout(done));
  }

  /** Rejects as {@link resolve} resolves. */
  async reject(name: string, error: PlainError): Promise<void> {
    (await this.#asked(name)).reject(error);
    await new Promise((done) => setTimeout(done));
  }

  /** The last call of that name that has no answer yet. */
  async #asked(name: string): Promise<Pending> {
    const end = Date.now() + ASKED_WITHIN_MS;
    for (;;) {
      const call = this.pending.get(name);
      if (call !== undefined) {
        this.pending.delete(name);
        return call;
      }
      if (Date.now() > end) throw new Error(`Nothing asks the engine for ${name}.`);
      await new Promise((done) => setTimeout(done));
    }
  }

  start = () => this.call<void>('start');
}
