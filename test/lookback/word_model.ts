// Scripts a model that goes on behind what stands there: its tokens are words, and what it writes next is a function of what was
// written so far and of the pictures that it is shown. It stops where it is told to, as a session does.

import type { StreamDecoder } from '../../src/data/text/stream_decoder';
import { GeneratedAnswer } from '../../src/generation/generate';
import type { EvaluatedModel } from '../../src/lookback/evaluation_run';
import type { AnswerRequest } from '../../src/lookback/reasoner';
import { SMALL_SPEC } from './scripted_model';

/** Ids of the control tokens: begin and end of a picture, the picture itself, the end of an answer. */
export const CONTROL = { begin: 1, picture: 2, close: 3, end: 4 } as const;
/** A prompt: a word, a picture of two tokens between its control tokens, a question of one word. */
export const PROMPT_IDS = [9, CONTROL.begin, CONTROL.picture, CONTROL.picture, CONTROL.close, 8] as const;
/** The real picture of every prompt; a blank one is all zeros. */
const PICTURE = { gridThw: [1, 2, 4], pixelValues: Float32Array.of(1, 2) } as const;

/** What the model sees when it goes on. */
export interface WordState {
  /** The answer so far, its control tokens left out. */
  readonly written: string;
  readonly pictures: number;
  readonly blank: boolean;
}

/** A scripted model, and what it was asked. */
export interface WordModel {
  readonly model: EvaluatedModel;
  /** Each request in order, with the ids that stood behind the prompt. */
  readonly asked: {
    readonly ids: readonly number[];
    readonly continues: boolean;
    readonly maxNewTokens: number;
  }[];
  /** A request about the picture. */
  request(maxNewTokens?: number, temperature?: number): AnswerRequest;
  /** Ids of a text, one for each of its pieces. */
  ids(text: string): number[];
  decoder(): StreamDecoder;
}

/**
 * @param goOn   what the model writes behind a state, to its end
 * @param pieces what one token writes: a word with the space before it, unless another pattern is given
 */
export function wordModel(
  goOn: (state: WordState) => string,
  { pieces = / ?[^ ]+/g, maxTokens = 200 }: { readonly pieces?: RegExp; readonly maxTokens?: number } = {},
): WordModel {
  const words: string[] = Array<string>(10).fill('');
  const ids = (text: string): number[] =>
    (text.match(pieces) ?? []).map((word) => {
      if (!words.includes(word, 10)) words.push(word);
      return words.indexOf(word, 10);
    });
  const decoder = (): StreamDecoder => ({ push: (id) => words[id] ?? '', end: () => '' });
  const asked: WordModel['asked'] = [];
  const prepared = {
    prompt: { inputIds: PROMPT_IDS, images: [PICTURE] },
    ...{ imageTokens: 2, pictures: [] },
  };
  const answerBatch: EvaluatedModel['answerBatch'] = async (requests, _, { until, signal }) =>
    requests.map(({ prepared: { prompt }, sampling: { maxNewTokens }, continues = false }) => {
      const behind = prompt.inputIds.slice(PROMPT_IDS.length);
      asked.push({ ids: behind, continues, maxNewTokens });
      const written = behind.map((id) => words[id] ?? '').join('');
      const blank = prompt.images.every(({ pixelValues }) => pixelValues.every((value) => value === 0));
      const answer = new GeneratedAnswer(decoder());
      const left = [...ids(goOn({ written, pictures: prompt.images.length, blank })), CONTROL.end];
      for (const [at, id] of left.entries()) {
        if (signal?.aborted) break;
        const isEnd = id === CONTROL.end;
        answer.push(id, isEnd);
        if (isEnd) answer.finish('eos');
        else if (at + 1 === maxNewTokens) answer.finish('length');
        else if (until?.(answer)) answer.finish('stopped');
        if (answer.finishReason !== null) break;
        answer.record({ step: at, shares: { image: 0.5, query: 0, generated: 0 }, map: new Float32Array() });
      }
      answer.finish('stopped');
      return answer;
    });
  const tokenizer = {
    ...{ encodePlain: ids, createStreamDecoder: decoder },
    specialIds: new Set<number>(Object.values(CONTROL)),
  };
  return {
    model: {
      ...{ maxTokens, prompts: { maxNewTokens: 50 } as EvaluatedModel['prompts'], answerBatch },
      model: { config: { ...SMALL_SPEC, imageTokenId: CONTROL.picture }, weights: { cacheFormat: 'f16' } },
      processor: { tokenizer: tokenizer as never },
      prepare: () => prepared as never,
    },
    ...{ asked, ids, decoder },
    request: (maxNewTokens = 50, temperature = 0) => ({
      prepared: prepared as never,
      sampling: {
        ...{ temperature, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 },
        maxNewTokens,
      },
    }),
  };
}
