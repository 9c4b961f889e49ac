// The tags that a look back can be written in: none can be taken for another, and prompts ask for the one that is chosen.
import { readFileSync } from 'node:fs';
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { describe, expect, it } from 'vitest';
import { BOX_OPENING, TAGS } from '../../src/answer/answer_grammar';
import { inLookWords, LOOK_TAGS, type LookTags } from '../../src/answer/look_tags';
import { PAPER_PROMPTS } from '../../src/lookback/prompts';

const ALL: [string, LookTags][] = Object.entries(LOOK_TAGS);

describe('LOOK_TAGS', () => {
  it.each(ALL)('%s: begins no other tag and is begun by none', (_, { open, close, word }) => {
    const every = [open, close, TAGS.think.open, TAGS.think.close, BOX_OPENING];
    for (const one of every) expect(every.filter((other) => other.startsWith(one))).toEqual([one]);
    for (const tag of [open, close]) expect(tag).toMatch(new RegExp(`^<[^<>]*${word} ?>$`));
  });

  it('are written by pocket where they are its words, and only there', () => {
    const read = (file: string) => JSON.parse(readFileSync(`public/models/pocket/${file}`, 'utf8'));
    const tokenizer = new PreTrainedTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
    const written = ALL.filter(([, { open, close, word }]) => {
      const text = `${open} check the red squares. ${close} use ${word}`;
      return tokenizer.decode(tokenizer.encode(text, { add_special_tokens: false })) === text;
    });
    expect(written.map(([name]) => name)).toEqual(['back', 'words_back', 'words_check', 'words_see']);
  });
});

describe('inLookWords', () => {
  it('asks for the look by its tags and its word, and leaves other words alone', () => {
    const { solution } = PAPER_PROMPTS.modes;
    const asked = inLookWords(solution?.suffix ?? '', LOOK_TAGS.recheck);
    expect(asked).toContain('use <recheck> </recheck> to verify');
    expect(asked).not.toMatch(/\bback\b/);
    expect(inLookWords('use back midway', LOOK_TAGS.words_check)).toBe('use check midway');
    expect(inLookWords('background feedback', LOOK_TAGS.review)).toBe('background feedback');
    for (const { suffix } of Object.values(PAPER_PROMPTS.modes))
      expect(inLookWords(suffix, LOOK_TAGS.back)).toBe(suffix);
  });
});
