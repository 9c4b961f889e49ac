// The table of shares: a row per token as it was recorded, quoted, and without formulas.
import { expect, it } from 'vitest';
import { type Answer, beginAnswer, EMPTY_SESSION, reduceSession } from '../../src/state/session';
import { sharesCsv } from '../../src/state/shares_csv';
import { ASKED, attention, finished, PROMPT, token } from './engine_script';

const TOKENS = ['=SUM(A1)', ' "two", ', '-3'];
const ANSWER = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), [
  { type: 'promptReady', prompt: PROMPT },
  ...TOKENS.map((text, step) => token(step, text)),
  attention(0, 0.25),
  attention(1, 0.5),
  finished(TOKENS.join('')),
]).answer as Answer;

it('writes a row for each token of each answer', async () => {
  const text = await sharesCsv([
    { name: 'base', answer: ANSWER },
    { name: 'adapter', answer: { ...ANSWER, steps: ANSWER.steps.slice(0, 1) } },
  ]).text();
  expect(text.split('\r\n')).toEqual([
    'answer,step,token_id,token,segment,image,question,own_words',
    `base,1,0,'=SUM(A1),,0.25,0.3,0.4`,
    'base,2,1," ""two"", ",,0.5,0.3,0.15000000000000002',
    `base,3,2,'-3,,,,`,
    `adapter,1,0,'=SUM(A1),,0.25,0.3,0.4`,
    '',
  ]);
});
