// Drives a generation session: yields the tokens of one sequence as an async iterator, or runs many sequences in one
// batch. Whatever ends a run (end token, limit, stop, a lost device), its answer holds every token that arrived.

import { createAnswerParser, type Segment } from '../answer/answer_grammar';
import { type AnswerReading, readingOf } from '../answer/answer_reading';
import type { TokenSpan } from '../answer/token_spans';
import type { StreamDecoder } from '../data/text/stream_decoder';
import { ArgumentError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import type { GenerationSession } from '../model/generation_session';
import type { PromptInput, SamplingOptions } from '../model/prompt_packing';
import type { StepResult } from '../model/session_state';
import { AttentionRecorder, type AttentionShares, type TokenAttention } from './attention_recorder';
import { type FinishReason, StoppingCriteria } from './stopping_criteria';
import { TextStream } from './text_stream';

/** The part of a session that generation needs; tests script it. Without `prefillContinued` every prompt is run whole. */
export type TokenSource = Pick<GenerationSession, 'prefill' | 'step'> &
  Partial<Pick<GenerationSession, 'prefillContinued'>>;
/** A session whose prompts can go on behind the last answer. */
export type ContinuedSource = TokenSource & Pick<GenerationSession, 'prefillContinued'>;

/** A span of the answer's text with the generated tokens that wrote it, end exclusive. */
export type TokenSegment = Segment & TokenSpan;

/** Whether an answer that grows is to end with its newest token. */
export type StopWhen = (answer: GeneratedAnswer) => boolean;

/** How to generate, the same for every sequence of a batch. */
export interface GenerationOptions {
  readonly eosTokenIds: readonly number[];
  /** Whether the session captures attention. */
  readonly capture: boolean;
  /** Layers whose maps it captures; 0 for shares alone. */
  readonly mapLayers: number;
  /** Sequences of the session, as many as there are requests or more. */
  readonly batch: number;
  readonly signal?: AbortSignal | undefined;
}

/** One answer, growing while its tokens arrive. */
export class GeneratedAnswer {
  readonly #stream: TextStream;
  readonly #parser = createAnswerParser();
  readonly #ids: number[] = [];
  readonly #attention: TokenAttention[] = [];
  #finishReason: FinishReason | null = null;

  constructor(decoder: StreamDecoder) {
    this.#stream = new TextStream(decoder);
  }

  /** Generated ids, the end token included. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  /** Text so far, without the end token. */
  get text(): string {
    return this.#stream.text;
  }

  /** Why it ended; null while it grows. */
  get finishReason(): FinishReason | null {
    return this.#finishReason;
  }

  /** Attention of the tokens whose query has run, in order of their step; the last token's comes last or never. */
  get attention(): readonly TokenAttention[] {
    return this.#attention;
  }

  /** Adds a token; returns the text it added. */
  push(id: number, isEnd: boolean): string {
    this.#ids.push(id);
    const text = isEnd ? this.#stream.pushEnd() : this.#stream.push(id);
    this.#parser.push(text);
    return text;
  }

  /** Adds the attention of a token pushed before. */
  record(attention: TokenAttention): void {
    this.#attention.push(attention);
  }

  /** Closes the answer; returns text that was held back. Later calls change nothing. */
  finish(reason: FinishReason): string {
    if (this.#finishReason !== null) return '';
    this.#finishReason = reason;
    const rest = this.#stream.finish();
    this.#parser.push(rest);
    this.#parser.end();
    return rest;
  }

  /** Tokens that wrote the characters [start, end) of {@link text}. */
  tokenSpan(start: number, end: number): TokenSpan {
    return this.#stream.tokenSpan(start, end);
  }

  /** Segments of the text so far. */
  segments(): TokenSegment[] {
    return this.#parser.segments.map((segment) => ({
      ...segment,
      ...this.tokenSpan(segment.start, segment.end),
    }));
  }

  /** What the text holds so far. Linear in the number of its segments. */
  reading(): AnswerReading {
    return readingOf(this.#parser);
  }

  /** Image share of each generated token; null where none was recorded. */
  imageShares(): (number | null)[] {
    const shares: (number | null)[] = Array(this.#ids.length).fill(null);
    for (const { step, shares: found } of this.#attention) shares[step] = found.image;
    return shares;
  }
}

/** What a run reports, in order: each token, and the attention of a token once the step that feeds it has run. */
export type GenerationEvent =
  | { readonly type: 'token'; readonly step: number; readonly id: number; readonly text: string }
  | {
      readonly type: 'attention';
      readonly step: number;
      readonly shares: AttentionShares;
      readonly map: Float32Array;
    };

/** One sequence's prompt and how to sample its answer. */
export interface SequenceRequest {
  readonly prompt: PromptInput;
  readonly sampling: SamplingOptions;
  /** Image tokens of the prompt, the length of its maps. */
  readonly imageTokens: number;
  /** The prompt goes on behind the last answer of a session of batch 1. Default false. */
  readonly continues?: boolean;
}

/** Prompt pass of the requests: of a single one that goes on behind the last answer, only what the session lacks. */
function prefillOf(
  source: TokenSource,
  [only, ...others]: readonly SequenceRequest[],
): TokenSource['prefill'] {
  return (prompts, settings, signal) =>
    only?.continues && others.length === 0 && source.prefillContinued
      ? source.prefillContinued(only.prompt, itemAt(settings, 0), signal)
      : source.prefill(prompts, settings, signal);
}

/** First result of a run; undefined when it was stopped before there was one. */
async function firstStep(
  requests: readonly SequenceRequest[],
  { signal, capture }: GenerationOptions,
  prefill: TokenSource['prefill'],
): Promise<StepResult | undefined> {
  if (signal?.aborted) return undefined;
  // A finished sequence attends to nothing: one token more than wanted keeps it going for the last one's attention.
  const extra = capture ? 1 : 0;
  try {
    const prompts = requests.map(({ prompt }) => prompt);
    const settings = requests.map(({ sampling }) => ({
      ...sampling,
      maxNewTokens: sampling.maxNewTokens + extra,
    }));
    return await prefill(prompts, settings, signal);
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}

/**
 * Generates one answer with a session of batch 1, filling `answer`.
 *
 * Stops within the step in flight when `signal` aborts. At the length limit one more step runs, if attention is
 * captured, for the attention of the last token. Rejects with what the session rejects with; `answer` stays readable.
 */
export async function* generate(
  source: ContinuedSource,
  request: SequenceRequest,
  options: GenerationOptions,
  answer: GeneratedAnswer,
): AsyncGenerator<GenerationEvent, void, void> {
  const criteria = new StoppingCriteria({ ...options, maxNewTokens: request.sampling.maxNewTokens });
  const recorder = new AttentionRecorder([request.imageTokens], options);
  let result = await firstStep([request], options, prefillOf(source, [request]));
  if (result === undefined) answer.finish('stopped');
  while (result !== undefined) {
    const attention = recorder.read(result, 0);
    if (attention !== null) {
      answer.record(attention);
      yield { type: 'attention', ...attention };
    }
    if (answer.finishReason !== null) return;
    const id = itemAt(result.ids, 0);
    const step = answer.ids.length;
    const reason = criteria.after(id, step + 1);
    let text = answer.push(id, criteria.isEnd(id));
    if (reason !== null) text += answer.finish(reason);
    yield { type: 'token', step, id, text };
    const more = reason === null || (reason === 'length' && options.capture);
    result = more ? await source.step() : undefined;
  }
}

/**
 * Generates one wave of answers, one per sequence of the session's batch. A finished sequence does not stop the
 * others; the wave ends with its longest answer. On abort, unfinished answers end as `stopped`, as does one where `until` holds.
 *
 * @param requests at most as many as the session's batch
 * @returns answers in the order of the requests, attention recorded when the session captures
 */
export async function generateBatch(
  source: TokenSource,
  requests: readonly SequenceRequest[],
  options: GenerationOptions & {
    readonly createDecoder: () => StreamDecoder;
    /** Called after each token that does not end its answer by itself. */
    readonly until?: StopWhen | undefined;
  },
): Promise<GeneratedAnswer[]> {
  if (requests.length === 0) throw new ArgumentError('generateBatch needs at least one request.');
  const answers = requests.map(() => new GeneratedAnswer(options.createDecoder()));
  const criteria = requests.map(
    ({ sampling }) => new StoppingCriteria({ ...options, maxNewTokens: sampling.maxNewTokens }),
  );
  const recorder = new AttentionRecorder(
    requests.map(({ imageTokens }) => imageTokens),
    options,
  );
  let result = await firstStep(requests, options, prefillOf(source, requests));
  while (result !== undefined) {
    let open = 0;
    for (const [b, answer] of answers.entries()) {
      // The attention of a token cut off by the limit would need one more step; here it is not worth one.
      if (answer.finishReason !== null) continue;
      const attention = recorder.read(result, b);
      if (attention !== null) answer.record(attention);
      const id = itemAt(result.ids, b);
      const own = itemAt(criteria, b);
      const reason = own.after(id, answer.ids.length + 1);
      answer.push(id, own.isEnd(id));
      if (reason !== null) answer.finish(reason);
      else if (options.until?.(answer)) answer.finish('stopped');
      else open++;
    }
    result = open > 0 ? await source.step() : undefined;
  }
  for (const answer of answers) if (answer.finishReason === null) answer.finish('stopped');
  return answers;
}
