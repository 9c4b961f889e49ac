// Checks pocket's tokenizer in transformers.js against Hugging Face's Python tokenizers: ids, texts, chat template; and that
// it reads every text of the world.

import { readFileSync } from 'node:fs';
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { describe, expect, it } from 'vitest';
import { drawSample } from '../../../src/data/world/world_sample';
import goldens from '../../fixtures/pocket/tokenizer_goldens.json';

function load(): PreTrainedTokenizer {
  const read = (file: string) => JSON.parse(readFileSync(`public/models/pocket/${file}`, 'utf8'));
  return new PreTrainedTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
}

const encode = (tokenizer: PreTrainedTokenizer, text: string): number[] =>
  tokenizer.encode(text, { add_special_tokens: false });

describe('tokenizer of pocket', () => {
  const tokenizer = load();
  const rows = goldens.pocket;

  it('gives the ids and texts of Python', () => {
    for (const { text, ids, decoded } of rows.texts) {
      expect(encode(tokenizer, text), text).toEqual(ids);
      if (ids.length > 0) expect(tokenizer.decode(ids)).toBe(decoded);
    }
  });

  it('renders the chat template as Python does', () => {
    const text = rows.texts[0]?.text as string;
    // The library types a turn's content as text alone; its template takes parts as Python's does.
    const messages = [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text }] }] as never;
    expect(tokenizer.apply_chat_template(messages, { add_generation_prompt: true, tokenize: false })).toBe(
      rows.chat,
    );
    expect(encode(tokenizer, rows.chat)).toEqual(rows.chatIds);
  });

  it('reads every question and oracle text of the world without an unknown word, whatever the case', () => {
    const unknown = encode(tokenizer, 'xylophone')[0] as number;
    expect(tokenizer.decode([unknown])).toBe('<unk>');
    for (let index = 0; index < 200; index++) {
      const { text, oracle } = drawSample({ split: 'validation', seed: 1, index, textShare: 0.2 });
      const { cot, lookBack, list, check } = oracle;
      const answers = [cot, lookBack.solution, lookBack.semantic, list.answer, check?.answer ?? 'ok'];
      const asked = [text, list.prompt, check?.prompt ?? 'ok', `${text} use back`, `${text} use back midway`];
      for (const words of [...asked, ...answers]) {
        const ids = encode(tokenizer, words);
        expect(ids, words).not.toContain(unknown);
        expect(encode(tokenizer, words.toUpperCase())).toEqual(ids);
        // A comma reads as a full stop: the one thing that decoding does not give back.
        expect(tokenizer.decode(ids)).toBe(words.toLowerCase().replaceAll(',', '.'));
      }
    }
  });

  it('decodes a prefix of ids to a prefix of the text', () => {
    const { oracle } = drawSample({ split: 'test', seed: 2, index: 5 });
    const ids = encode(tokenizer, oracle.lookBack.solution);
    const whole = tokenizer.decode(ids);
    for (let n = 1; n <= ids.length; n++)
      expect(whole.startsWith(tokenizer.decode(ids.slice(0, n)))).toBe(true);
  });

  it('keeps the tags ordinary words', () => {
    const ids = encode(tokenizer, '<think> </think> <back> </back> \\boxed{ }');
    expect(ids.length).toBe(6);
    expect(tokenizer.decode(ids, { skip_special_tokens: true })).toBe(
      '<think> </think> <back> </back> \\boxed{ }',
    );
  });
});
