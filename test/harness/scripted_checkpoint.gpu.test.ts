// A model with the vocabulary of Qwen's own tokenizer: tags that are split over several tokens are read as segments, every
// token has its attention, and sampler and output projection cover all 151,936 rows.

import { afterAll, describe, expect, it } from 'vitest';
import type { PromptImage } from '../../src/data/image/prompt_image';
import type { GenerationEvent } from '../../src/generation/generate';
import { greedy, Reasoner } from '../../src/lookback/reasoner';
import { testGpu } from './gpu';
import { SPLIT_TAGS, scriptedCheckpoint } from './scripted_checkpoint';

const picture = { width: 30, height: 20, channels: 3 as const, data: new Uint8Array(1800).fill(90) };

describe('a vocabulary of 151,936 ids', () => {
  let reasoner: Reasoner | undefined;
  afterAll(() => reasoner?.destroy());

  it('is read as think, back and answer', async () => {
    reasoner = await Reasoner.load(await testGpu(), await scriptedCheckpoint(SPLIT_TAGS), {
      precision: 'int4',
    });
    const prepared = reasoner.prepare({ image: picture, text: 'How many cups?', mode: 'solution' });
    const { answer, events } = await reasoner.start(
      { prepared, sampling: greedy(SPLIT_TAGS.length + 8) },
      { capture: 'maps' },
    );
    const seen: GenerationEvent[] = [];
    for await (const event of events) seen.push(event);

    expect(answer.text).toBe(SPLIT_TAGS.join(''));
    expect(answer.finishReason).toBe('eos');
    expect(answer.reading().answer).toBe('3');
    const texts = answer.segments().map(({ kind, start, end }) => [kind, answer.text.slice(start, end)]);
    expect(texts).toEqual([
      ['think', 'I see two.'],
      ['back', ' three!'],
      ['answer', '3'],
    ]);
    // The token that ends a tag and begins the content belongs to both.
    const tokens = answer
      .segments()
      .filter(({ kind }) => kind === 'think' || kind === 'back')
      .map(({ tokenStart, tokenEnd }) => SPLIT_TAGS.slice(tokenStart, tokenEnd).join(''));
    expect(tokens).toEqual(['>I see two.</', ' three!</']);

    const attention = seen.filter((event) => event.type === 'attention');
    expect(attention.map(({ step }) => step)).toEqual(SPLIT_TAGS.map((_, step) => step));
    for (const { shares, map } of attention) {
      expect(map).toHaveLength(prepared.imageTokens);
      // A share leaves out what lies before the image, so that it is a little more than the map's sum.
      const sum = map.reduce((total, value) => total + value, 0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThanOrEqual(shares.image + 1e-6);
    }

    // A follow-up runs what comes after the answer, and the picture not again.
    const turn = { text: 'How many cups?', mode: 'solution', answer: answer.text } as const;
    const [image] = prepared.prompt.images;
    const next = reasoner.prepareSeen({
      images: [image as PromptImage],
      text: 'Sure?',
      mode: 'solution',
      earlier: [turn],
    });
    const request = { prepared: next, sampling: greedy(3), continues: true };
    const followUp = await reasoner.start(request, { capture: 'maps' });
    for await (const _ of followUp.events);
    expect(followUp.answer.text).toBe(SPLIT_TAGS.slice(0, 3).join(''));
    // The tokens of the answer are not those that its text would be given.
    expect(followUp.reusedTokens()).toBe(prepared.prompt.inputIds.length);
  });
});
