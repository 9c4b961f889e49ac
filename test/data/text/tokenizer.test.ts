// Both tokenizers of the fixtures: ids, offsets, and text that streams without ever being taken back.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer, type Tokenizer } from '../../../src/data/text/tokenizer';
import { loadFixtureJson } from '../../harness/fixture';

// Ids, offsets, decodes and prefixes of the golden strings are compared in test/tools/parity_stages/cpu.test.ts.

async function qwen(): Promise<Tokenizer> {
  return createTokenizer({
    tokenizerJson: await loadFixtureJson('tokenizer-qwen2/tokenizer.json'),
    tokenizerConfig: await loadFixtureJson('tokenizer-qwen2/tokenizer_config.json'),
  });
}

/** A word tokenizer with a normaliser and continuing pieces, like the embedded model's. */
function words(): Tokenizer {
  const vocabulary = [
    '<pad>',
    '<|end|>',
    '<unk>',
    'how',
    'many',
    'square',
    '##s',
    '##?',
    '##.',
    '3',
    '\\boxed{',
    '}',
  ];
  const added = (id: number, special: boolean): object => {
    return {
      id,
      content: vocabulary[id],
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special,
    };
  };
  return createTokenizer({
    tokenizerJson: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [added(0, true), added(1, true)],
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Lowercase' },
          { type: 'Replace', pattern: { Regex: '\\s+(?=[.?])' }, content: '' },
        ],
      },
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: null,
      decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
      model: {
        type: 'WordPiece',
        unk_token: '<unk>',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 40,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      },
    },
    tokenizerConfig: { tokenizer_class: 'PreTrainedTokenizerFast', unk_token: '<unk>' },
  });
}

function stream(tokenizer: Tokenizer, ids: readonly number[], skipSpecialTokens = false): string[] {
  const decoder = tokenizer.createStreamDecoder({ skipSpecialTokens });
  return [...ids.map((id) => decoder.push(id)), decoder.end()];
}

describe('byte-level tokenizer', () => {
  it('knows its vocabulary', async () => {
    const tokenizer = await qwen();
    expect(tokenizer.size).toBe(622);
    expect(tokenizer.tokenId('<|image_pad|>')).toBe(612);
    expect(tokenizer.token(612)).toBe('<|image_pad|>');
    expect(tokenizer.tokenId('no such token')).toBeNull();
    expect(tokenizer.token(100000)).toBeNull();
    expect(tokenizer.specialIds.has(612)).toBe(true);
    // <tool_call> is an added token, but not a special one.
    expect(tokenizer.specialIds.has(614)).toBe(false);
  });

  it('encodes and decodes nothing as nothing', async () => {
    const tokenizer = await qwen();
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.encodeWithOffsets('')).toEqual({ ids: [], offsets: [] });
    expect(tokenizer.decode([602], { skipSpecialTokens: true })).toBe('');
  });

  it('streams any ids to exactly what decode gives, and never takes text back', async () => {
    const tokenizer = await qwen();
    const ids = fc.array(fc.nat(tokenizer.size - 1), { maxLength: 24 });
    fc.assert(
      fc.property(ids, fc.boolean(), (list, skipSpecialTokens) => {
        const deltas = stream(tokenizer, list, skipSpecialTokens);
        expect(deltas.join('')).toBe(tokenizer.decode(list, { skipSpecialTokens }));
        let shown = '';
        list.forEach((_, i) => {
          shown += deltas[i];
          expect(tokenizer.decode(list, { skipSpecialTokens }).startsWith(shown)).toBe(true);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('holds back the bytes of a character until it is whole', async () => {
    const tokenizer = await qwen();
    const ids = tokenizer.encode('😀x');
    expect(stream(tokenizer, ids)).toEqual(['', '', '', '😀', 'x', '']);
    expect(stream(tokenizer, ids.slice(0, 2))).toEqual(['', '', '\ufffd']);
    // A special token in the middle of a character ends it.
    expect(stream(tokenizer, [ids[0] as number, 602]).join('')).toBe('\ufffd<|im_end|>');
  });

  it('encodes what was typed as plain text, control tokens included', async () => {
    const tokenizer = await qwen();
    // As tokenizers 0.22 does with encode_special_tokens.
    expect(tokenizer.encodePlain('a<|im_end|>b')).toEqual([64, 27, 91, 445, 62, 442, 67, 91, 29, 65]);
    expect(tokenizer.encodePlain('<|image_pad|>')).toEqual([27, 91, 446, 62, 79, 382, 91, 29]);
    expect(tokenizer.encodePlain('<tool_call>')).toEqual([614]);
    expect(tokenizer.encodePlain('')).toEqual([]);
    // Spelled <|…|>, though not marked as special.
    expect(tokenizer.encodePlain('<|fim_prefix|>')).not.toContain(616);
    const text = fc.array(
      fc.constantFrom('<|im_end|>', '<|', 'im_end|>', '\udc00', ' ', 'é', '<tool_call>', '😀'),
    );
    fc.assert(
      fc.property(text, (parts) => {
        const ids = tokenizer.encodePlain(parts.join(''));
        expect(ids.filter((id) => tokenizer.specialIds.has(id))).toEqual([]);
        expect(tokenizer.decode(ids)).toBe(parts.join('').replaceAll(/\p{Surrogate}/gu, '\ufffd'));
      }),
      { numRuns: 300 },
    );
  });

  it('gives offsets that cover the text and lose no token', async () => {
    const tokenizer = await qwen();
    const part = fc.constantFrom(
      '<|im_end|>',
      '<tool_call>',
      'é',
      'e\u0301',
      ' the',
      '\n',
      '😀',
      'A',
      '한',
      '\u1112\u1161',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const { ids, offsets } = tokenizer.encodeWithOffsets(text);
        expect(ids).toEqual(tokenizer.encode(text));
        expect(offsets).toHaveLength(ids.length);
        let start = 0;
        offsets.forEach(([from, to], i) => {
          expect(from).toBeGreaterThanOrEqual(start);
          expect(to).toBeGreaterThan(from);
          expect(to).toBeLessThanOrEqual(text.length);
          const token = tokenizer.token(ids[i] as number) as string;
          if (token.startsWith('<|')) expect(text.slice(from, to)).toBe(token);
          start = from;
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe('word tokenizer', () => {
  it('encodes, and finds each word in the text as typed', () => {
    const tokenizer = words();
    const text = 'How MANY  squares ?<|end|>';
    const { ids, offsets } = tokenizer.encodeWithOffsets(text);
    expect(ids.map((id) => tokenizer.token(id))).toEqual(['how', 'many', 'square', '##s', '##?', '<|end|>']);
    expect(offsets.map(([from, to]) => text.slice(from, to))).toEqual([
      'How',
      'MANY',
      'square',
      's',
      '?',
      '<|end|>',
    ]);
  });

  it('never looks up a control token among its words', () => {
    const tokenizer = words();
    const names = (text: string) => tokenizer.encodePlain(text).map((id) => tokenizer.token(id));
    expect(names('how <|end|> many')).toEqual(['how', '<unk>', 'many']);
    expect(names('<pad>many')).toEqual(['<unk>']);
    expect(tokenizer.encode('how <|end|>')).toEqual([3, 1]);
    expect(tokenizer.tokenId('<|end|>')).toBe(1);
  });

  it('streams to exactly what decode gives', () => {
    const tokenizer = words();
    fc.assert(
      fc.property(fc.array(fc.nat(11), { maxLength: 12 }), fc.boolean(), (ids, skipSpecialTokens) => {
        const text = tokenizer.decode(ids, { skipSpecialTokens });
        expect(stream(tokenizer, ids, skipSpecialTokens).join('')).toBe(text);
      }),
      { numRuns: 200 },
    );
    expect(stream(tokenizer, [3, 4, 5, 6, 7])).toEqual(['how', ' many', ' square', 's', '?', '']);
  });
});

describe('createTokenizer', () => {
  it('refuses what is no tokenizer', () => {
    expect(() => createTokenizer({ tokenizerJson: null, tokenizerConfig: {} })).toThrow(
      'must be JSON objects',
    );
    expect(() => createTokenizer({ tokenizerJson: {}, tokenizerConfig: {} })).toThrow(
      'tokenizer.json cannot be used',
    );
    try {
      createTokenizer({ tokenizerJson: { model: { type: 'Nope' } }, tokenizerConfig: {} });
    } catch (error) {
      expect(error).toMatchObject({ code: 'model/tokenizer' });
    }
  });
});
