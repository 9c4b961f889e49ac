// Makes a checkpoint of a family that can be asked and trained: the sizes of a tiny fixture with the vocabulary of a
// tokenizer fixture, and random weights. For tests only.

import { createPrng } from '../../src/lib/prng';
import { parseModelConfig } from '../../src/model/config';
import { memorySource, writeSafetensors } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { expectedShapes, LM_HEAD } from '../../src/model/weight_names';
import { loadFixture, loadFixtureJson } from './fixture';

interface TinyConfig {
  readonly text_config: Readonly<Record<string, unknown>>;
}

interface TokenizerJson {
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

/** Matrices keep activations near 1; norms are 1; biases are small. */
function randomValues(name: string, shape: readonly number[], normal: () => number): Float32Array {
  const count = shape.reduce((a, b) => a * b);
  if (shape.length > 1) {
    const sigma = Math.sqrt((shape[0] as number) / count);
    return Float32Array.from({ length: count }, () => normal() * sigma);
  }
  const centre = name.endsWith('.bias') ? 0 : 1;
  return Float32Array.from({ length: count }, () => centre + 0.1 * normal());
}

/**
 * Files of the checkpoint by name.
 * @param folder    a tiny model below test/fixtures
 * @param tokenizer a tokenizer below test/fixtures, of the family's layout
 */
export async function familyCheckpoint(folder: string, tokenizer: string): Promise<Map<string, Uint8Array>> {
  const tokens = await loadFixtureJson<TokenizerJson>(`${tokenizer}/tokenizer.json`);
  const idOf = new Map(tokens.added_tokens.map(({ id, content }) => [content, id]));
  const id = (token: string): number => idOf.get(token) ?? 0;
  const tiny = await loadFixtureJson<TinyConfig>(`${folder}/config.json`);
  const ends = { bos_token_id: id('<|endoftext|>'), eos_token_id: id('<|im_end|>'), pad_token_id: 0 };
  const vocabulary = Math.ceil((Math.max(...idOf.values()) + 1) / 32) * 32;
  const config = {
    ...tiny,
    text_config: { ...tiny.text_config, ...ends, vocab_size: vocabulary, max_position_embeddings: 4096 },
    image_token_id: id(idOf.has('<image>') ? '<image>' : '<|image_pad|>'),
    video_token_id: id('<|video_pad|>'),
    vision_start_token_id: id('<|vision_start|>'),
    vision_end_token_id: id('<|vision_end|>'),
  };
  const spec = parseModelConfig(config);
  const prng = createPrng(31);
  const tensors = [...expectedShapes(spec)].flatMap(([name, shape]) => {
    if (name === LM_HEAD && spec.tieWordEmbeddings) return [];
    const values = randomValues(name, shape, () => prng.normal());
    return [{ name, dtype: 'F32' as const, shape, bytes: new Uint8Array(values.buffer) }];
  });
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return new Map([
    ['config.json', json(config)],
    ['generation_config.json', json({ eos_token_id: [ends.eos_token_id] })],
    ['preprocessor_config.json', await loadFixture(`${folder}/preprocessor_config.json`)],
    ['tokenizer.json', json(tokens)],
    ['tokenizer_config.json', await loadFixture(`${tokenizer}/tokenizer_config.json`)],
    // The paper's instructions are hundreds of tokens to a small vocabulary.
    ['lookback.json', json({ modes: { plain: { suffix: '' } } })],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
}

/** Files in memory as a model folder. */
export function filesIn(name: string, contents: ReadonlyMap<string, Uint8Array>): ModelFiles {
  return {
    name,
    open: async (file) => {
      const bytes = contents.get(file);
      return bytes === undefined ? null : memorySource(file, bytes);
    },
  };
}
