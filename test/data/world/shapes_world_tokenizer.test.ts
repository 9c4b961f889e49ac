// Pocket's tokenizers in transformers.js against Hugging Face's Python tokenizers: ids, texts, chat template.

import { readFileSync } from 'node:fs';
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { describe, expect, it } from 'vitest';
import { drawSample } from '../../../src/data/world/shapes_world';
import { checkPrompt, LIST_PROMPT } from '../../../src/data/world/shapes_world_text';
import goldens from '../../fixtures/pocket/tokenizer_goldens.json';

const MODELS = ['pocket', 'pocket-draft', 'pocket-lookback-draft'] as const;

function load(name: string): PreTrainedTokenizer {
  const read = (file: string) => JSON.parse(readFileSync(`public/models/${name}/${file}`, 'utf8'));
  return new PreTrainedTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
}

const encode = (tokenizer: PreTrainedTokenizer, text: string): number[] =>
  tokenizer.encode(text, { add_special_tokens: false });

describe.each(MODELS)('tokenizer of %s', (name) => {
  const tokenizer = load(name);
  const rows = goldens[name];

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
    for (let index = 0; index < 150; index++) {
      const { text, question, oracle } = drawSample({ split: 'heldout', seed: 1, index, textShare: 0.2 });
      const check = question.selector === undefined ? LIST_PROMPT : checkPrompt(question.selector);
      const plain =
        name === 'pocket' ? [oracle.cot, oracle.lookBack, oracle.list] : [oracle.cot, oracle.lookBack];
      for (const words of [text, check, `${text} use back`, ...plain]) {
        const ids = encode(tokenizer, words);
        expect(ids, words).not.toContain(unknown);
        expect(encode(tokenizer, words.toUpperCase())).toEqual(ids);
        expect(tokenizer.decode(ids)).toBe(words.toLowerCase());
      }
    }
  });

  it('decodes a prefix of ids to a prefix of the text', () => {
    const { oracle } = drawSample({ split: 'test', seed: 2, index: 5 });
    const ids = encode(tokenizer, oracle.lookBack);
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
