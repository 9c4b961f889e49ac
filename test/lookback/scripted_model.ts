// Scripts a model that evaluations ask: it answers with given texts, word by word, with a made-up share of the image that
// falls from token to token and rises in a look back.

import { GeneratedAnswer } from '../../src/generation/generate';
import type { EvaluatedModel } from '../../src/lookback/evaluation_run';
import type { AnswerRequest } from '../../src/lookback/reasoner';
import type { ModelSpec } from '../../src/model/spec';
import { wordDecoder } from '../generation/scripted_session';

/** A decoder of one layer, 2 wide, and a tower of one block, 2 wide. */
export const SMALL_SPEC = {
  text: {
    ...{ hiddenSize: 2, intermediateSize: 3, numHiddenLayers: 1, numAttentionHeads: 1, numKeyValueHeads: 1 },
    ...{ headDim: 2, vocabSize: 5 },
  },
  vision: {
    ...{ hiddenSize: 2, intermediateSize: 4, depth: 1, numHeads: 1, headDim: 2, inChannels: 3, patchSize: 2 },
    ...{ temporalPatchSize: null, spatialMergeSize: 2, mlp: 'gelu' },
  },
  connector: { main: { layers: [{ outputs: 2 }] }, taps: [] },
} as unknown as ModelSpec;

/** An answer whose tokens are the words of a text, each with the space before it, and an end token. */
export function wordAnswer(text: string, share: (token: number) => number | null): GeneratedAnswer {
  const words = text.split(/(?= )/);
  const answer = new GeneratedAnswer(wordDecoder(words));
  for (const id of words.keys()) answer.push(id, false);
  answer.push(words.length, true);
  answer.finish('eos');
  for (const step of answer.ids.keys()) {
    const image = share(step);
    if (image !== null)
      answer.record({ step, shares: { image, query: 0, generated: 0 }, map: new Float32Array() });
  }
  return answer;
}

/** Share of the image of a token of {@link scriptedModel}. */
const shareOf = (token: number): number => 1 / (2 + token);

/** @param answerTo text of the answer to a question in a mode; called once per question */
export function scriptedModel(
  answerTo: (question: string, mode: string) => string | Promise<string>,
): EvaluatedModel {
  return {
    maxTokens: 100,
    prompts: { maxNewTokens: 50 } as EvaluatedModel['prompts'],
    model: { config: SMALL_SPEC, weights: { cacheFormat: 'f32' } },
    // Only interventions spell: word_model.ts.
    processor: { tokenizer: undefined as never },
    prepare: ({ text, mode }) =>
      ({
        prompt: { inputIds: [1, 2, 3], images: [], asked: { text, mode } },
        imageTokens: 1,
        pictures: [],
      }) as never,
    answerBatch: async (requests) =>
      Promise.all(
        requests.map(async ({ prepared }: AnswerRequest) => {
          const { asked } = prepared.prompt as unknown as { asked: { text: string; mode: string } };
          return wordAnswer(await answerTo(asked.text, asked.mode), shareOf);
        }),
      ),
  };
}
