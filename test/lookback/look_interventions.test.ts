// Interventions at looks over a scripted model: what stands in the look, what the model goes on behind, and what counts as put.
import { describe, expect, it } from 'vitest';
import {
  type LookChoice,
  LookInterventions,
  pictureTokens,
  wavesThatFit,
} from '../../src/lookback/look_interventions';
import type { AnswerRequest } from '../../src/lookback/reasoner';
import { CONTROL, PROMPT_IDS, type WordState, wordModel } from './word_model';

const FIRST = '<think> 2 </think>';
const LOOK = ' <back> red red red </back>';
/** Looks back after the first thought; then it says what it sees: words of a look, or the picture. */
function looking({ written, pictures, blank }: WordState): string {
  if (written === '') return `${FIRST}${LOOK} <think> 3 </think> \\boxed{ 3 }`;
  if (written.endsWith('<back>')) return `${blank ? ' dark' : ' red red red'} </back> <think> 3 </think>`;
  const seen = pictures > 1 ? 'again' : written.includes('dark') ? 'dark' : 'nothing';
  return ` <think> ${seen} </think> \\boxed{ ${seen} }`;
}

async function intervened(look: LookChoice, goOn = looking, limit = 50, pieces?: RegExp) {
  const words = wordModel(goOn, pieces && { pieces });
  const interventions = new LookInterventions(words.model, look, { batch: 1 });
  const [found] = await interventions.answer([words.request(limit)]);
  if (found === undefined) throw new Error('no answer');
  return { ...words, ...found };
}

describe('neutral text', () => {
  it('stands in the look with as many tokens, and the model goes on behind it', async () => {
    const { answer, intervention, asked, ids } = await intervened('neutral');
    expect(answer.text).toBe(`${FIRST} <back> ok ok ok </back> <think> nothing </think> \\boxed{ nothing }`);
    expect(answer.finishReason).toBe('eos');
    // Three words and the closing tag.
    expect(intervention).toEqual({ look: 'neutral', looks: 1, forcedTokens: 4 });
    expect(asked.map(({ continues }) => continues)).toEqual([false, true]);
    expect(asked[1]?.ids).toEqual(ids(`${FIRST} <back> ok ok ok </back>`));
    // Four tokens were generated so far; those that were put there are nobody's.
    expect(asked.map(({ maxNewTokens }) => maxNewTokens)).toEqual([50, 46]);
  });

  it('leaves an empty look empty, and one that never closes as it is', async () => {
    const empty = await intervened('neutral', ({ written }) => (written ? ' so' : `${FIRST} <back> </back>`));
    expect(empty.answer.text).toBe(`${FIRST} <back> </back> so`);
    expect(empty.intervention).toMatchObject({ looks: 1, forcedTokens: 1 });
    const open = await intervened('neutral', () => `${FIRST} <back> red`);
    expect(open.answer.text).toBe(`${FIRST} <back> red`);
    expect(open.intervention).toMatchObject({ looks: 0, forcedTokens: 0 });
  });

  it('keeps the attention of what the model wrote, at its own places', async () => {
    const { answer } = await intervened('neutral');
    const known = answer.imageShares().map((share) => share !== null);
    // <think> 2 </think> <back>, three ok and the closing tag, then the rest up to the end token.
    expect(known).toEqual([...[1, 1, 1, 1], ...[0, 0, 0, 0], ...[1, 1, 1, 1, 1, 1], 0].map(Boolean));
  });
});

describe('a look before a blank picture', () => {
  it('is the model’s own, and the real picture is there again behind it', async () => {
    const { answer, intervention, asked } = await intervened('blank_picture');
    expect(answer.text).toBe(`${FIRST} <back> dark </back> <think> dark </think> \\boxed{ dark }`);
    expect(intervention).toEqual({ look: 'blank_picture', looks: 1, forcedTokens: 0 });
    expect(asked).toHaveLength(3);
  });
});

describe('the picture once more', () => {
  const shown = [CONTROL.begin, CONTROL.picture, CONTROL.picture, CONTROL.close];

  it('stands in the place of words', async () => {
    const { answer, intervention, asked, ids } = await intervened('picture_again');
    expect(answer.text).toBe(`${FIRST} <back></back> <think> again </think> \\boxed{ again }`);
    expect(intervention).toEqual({ look: 'picture_again', looks: 1, forcedTokens: 5 });
    expect(asked[1]?.ids).toEqual([...ids(`${FIRST} <back>`), ...shown, ...ids('</back>')]);
  });

  it('stands before the model’s own words', async () => {
    const { answer, intervention, asked, ids } = await intervened('picture_then_look');
    expect(answer.text).toBe(`${FIRST} <back> red red red </back> <think> 3 </think>`);
    expect(intervention.forcedTokens).toBe(4);
    expect(asked[1]?.ids).toEqual([...ids(`${FIRST} <back>`), ...shown]);
  });
});

describe('any intervention', () => {
  const LOOKS = ['neutral', 'blank_picture', 'picture_again', 'picture_then_look'] as const;

  it.each(LOOKS)('%s leaves an answer without a look as it is, and says so', async (look) => {
    const { answer, intervention } = await intervened(look, () => '<think> 2 </think> \\boxed{ 2 }');
    expect(answer.text).toBe('<think> 2 </think> \\boxed{ 2 }');
    expect(intervention).toEqual({ look, looks: 0, forcedTokens: 0 });
  });

  it('is made at every look of an answer', async () => {
    const { answer, intervention } = await intervened('neutral', ({ written }) =>
      written.split('<back>').length < 3 ? `${FIRST} <back> red </back> so` : ' \\boxed{ 2 }',
    );
    expect(answer.text).toBe(`${`${FIRST} <back> ok </back>`.repeat(2)} \\boxed{ 2 }`);
    expect(intervention.looks).toBe(2);
  });

  it('spells anew a token that reaches over the tag', async () => {
    // As byte-level tokenizers do: the tag's end and the word behind it are one token.
    const pieces = /<back|>red|<\/back>|<think>|<\/think>| ?[^ <>]+|>| /g;
    const goOn = ({ written }: WordState) =>
      written === '' ? '<think>2</think><back>red red</back> so' : ' so';
    const { answer, asked, ids } = await intervened('neutral', goOn, 50, pieces);
    expect(answer.text).toBe('<think>2</think><back> ok ok</back> so');
    expect(asked[1]?.ids).toEqual(ids('<think>2</think><back> ok ok</back>'));
  });

  it('answers a wave together, each with its own pieces', async () => {
    let turn = 0;
    const words = wordModel((state) => {
      const plain = state.written === '' && turn++ === 0;
      return plain ? '\\boxed{ 1 }' : looking(state);
    });
    const wave = await new LookInterventions(words.model, 'picture_again', { batch: 2 }).answer([
      words.request(),
      words.request(),
    ]);
    expect(wave.map(({ intervention: { looks } }) => looks)).toEqual([0, 1]);
    expect(wave.map(({ answer }) => answer.reading().answer)).toEqual(['1', 'again']);
  });

  it('ends an answer at its limit, wherever that falls', async () => {
    const cut = await intervened('picture_again', looking, 4);
    expect(cut.answer.finishReason).toBe('length');
    const { answer } = await intervened('picture_again', looking, 5);
    expect([answer.finishReason, answer.text]).toEqual(['length', `${FIRST} <back></back> <think>`]);
  });

  it('stops where it is told to, and refuses a temperature', async () => {
    const stop = new AbortController();
    const words = wordModel((state) => {
      stop.abort();
      return looking(state);
    });
    const interventions = new LookInterventions(words.model, 'neutral', { batch: 1, signal: stop.signal });
    const [one] = await interventions.answer([words.request()]);
    expect([one?.answer.finishReason, words.asked.length]).toEqual(['stopped', 1]);
    await expect(interventions.answer([words.request(50, 1)])).rejects.toThrow(/temperature at 0/);
  });
});

describe('pictureTokens', () => {
  const special = new Set<number>(Object.values(CONTROL));

  it('are the image tokens with the control tokens around them', () => {
    expect(pictureTokens(PROMPT_IDS, CONTROL.picture, special)).toEqual([1, 2, 2, 3]);
    expect(pictureTokens([9, 2, 7, 2, 8], CONTROL.picture, special)).toEqual([2, 7, 2]);
    expect(pictureTokens([9, 8], CONTROL.picture, special)).toEqual([]);
  });
});

describe('waves', () => {
  it('hold what one session can answer: the longest prompt with the longest answer', () => {
    const asked = [200, 100, 150, 100].map((length) => {
      const prompt = { inputIds: new Array<number>(length).fill(1), images: [] };
      const request = { prepared: { prompt }, sampling: { maxNewTokens: Math.min(120, 256 - length) } };
      return { request: request as unknown as AnswerRequest };
    });
    const sizes = wavesThatFit(asked, 256).map((wave) =>
      wave.map(({ request }) => request.prepared.prompt.inputIds.length),
    );
    // 150 tokens leave 106, where those of 100 tokens may want 120; 200 leave 56.
    expect(sizes).toEqual([[100, 100], [150], [200]]);
    expect(wavesThatFit([], 256)).toEqual([]);
  });
});
