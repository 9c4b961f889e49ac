// The interpreter of users' rewards: what a function sees and returns, and every way in which it goes wrong. Hostile
// sources whose single operations are long are ended from outside (custom_reward.browser.test.ts).

import { beforeAll, describe, expect, it } from 'vitest';
import { NO_ATTENTION } from '../../src/answer/attention_phases';
import { type CustomRewardSample, prepareSandbox, runCustomReward } from '../../src/lookback/reward_sandbox';

const SAMPLE: CustomRewardSample = {
  ...{ question: 'How many?', kind: 'visual', pictures: 1 },
  // A key that JSON may hold and that an assignment would set a prototype by.
  columns: JSON.parse('{"level": 3, "tags": ["a", "b"], "__proto__": {"hidden": 1}}'),
  ...{
    text: '<think> “2” \\n </think> <back> a1 </back> \\boxed{2}',
    answer: '2',
    expected: '3',
    accuracy: 0,
  },
  ...{ finished: true, length: 30, maxLength: 120, backs: [{ text: ' a1 ', tokens: 9 }] },
  attention: { ...NO_ATTENTION, late: 0.125, inBack: 0.25 },
  visualGain: { whole: 0.5, inBack: 2 },
};
/** Endless loops are run for this long; what ends by itself takes a hundredth of it. */
const LIMIT_MS = 500;

const run = (source: string) => runCustomReward(source, SAMPLE, LIMIT_MS);

// Its first context takes longest: no test's limit is spent on it.
beforeAll(prepareSandbox);

describe('a user’s reward', () => {
  it.each([
    ['function reward({ length, maxLength }) { return 1 - length / maxLength; }', 0.75, ''],
    ['const reward = (sample) => sample.backs[0].tokens;', 9, ''],
    ['function reward({ attention }) { return attention.inBack / attention.late; }', 2, ''],
    ['function reward({ attention }) { return attention.afterBack === null ? 1 : 0; }', 1, ''],
    ['function reward({ columns }) { return columns.level + columns.tags.length; }', 5, ''],
    ['function reward({ columns }) { return { score: columns.hidden ?? 0, why: "" }; }', 0, ''],
    [
      'function reward({ question, kind, pictures }) { return { score: pictures, why: `${kind}: ${question}` }; }',
      1,
      'visual: How many?',
    ],
    ['function reward({ visualGain }) { return visualGain.inBack / visualGain.whole; }', 4, ''],
    ['function reward(sample) { return { score: -2, why: sample.text.slice(0, 11) }; }', -2, '<think> “2”'],
    [
      'function reward({ answer, expected, accuracy }) { return Number(answer) + Number(expected) + accuracy; }',
      5,
      '',
    ],
  ])('is given the sample and returns a score: %s', async (source, score, why) => {
    expect(await run(source)).toEqual({ score, why });
  });

  it('starts anew with every completion: equal ones score equally', async () => {
    const counting =
      'let calls = 0; function reward() { globalThis.n = (globalThis.n ?? 0) + 1; return ++calls + globalThis.n; }';
    expect([await run(counting), await run(counting)]).toEqual([
      { score: 2, why: '' },
      { score: 2, why: '' },
    ]);
    expect(await run('function reward() { return Math.random(); }')).toMatchObject({
      fault: 'reward/failed',
    });
    expect(await run('function reward() { return Date.now(); }')).toMatchObject({ fault: 'reward/failed' });
  });

  it.each(
    'fetch WebSocket XMLHttpRequest EventSource importScripts indexedDB caches navigator Worker WebAssembly require process setTimeout postMessage self document'.split(
      ' ',
    ),
  )('has no %s', async (name) => {
    expect(await run(`function reward() { return ${name}('http://localhost/'); }`)).toMatchObject({
      fault: 'reward/failed',
      message: expect.stringMatching(/ReferenceError.* no network, files or timers/),
    });
    const indirect = `function reward() { return typeof (0, eval)('this')[${JSON.stringify(name)}] === 'undefined' ? 1 : 0; }`;
    expect(await run(indirect)).toEqual({ score: 1, why: '' });
  });

  it.each([
    ['for (;;) {}', 'reward/time'],
    ['function reward() { for (;;) { try { for (;;); } catch {} } }', 'reward/time'],
    ['function reward() { return /^(a+)+$/.test("a".repeat(60) + "b"); }', 'reward/time'],
    ['function reward() { return { get score() { for (;;); } }; }', 'reward/time'],
    ['function reward() { return "a".repeat(2 ** 28); }', 'reward/memory'],
    ['function reward() { const more = () => more(); return more(); }', 'reward/failed'],
    ['function reward() { throw new Error("mine"); }', 'reward/failed'],
    ['function reward() { throw { toString() { for (;;); } }; }', 'reward/failed'],
    ['function reward() { return "1"; }', 'reward/failed'],
    ['function reward() { return Infinity; }', 'reward/failed'],
    ['function reward() { return 1001; }', 'reward/failed'],
    ['async function reward() { return 1; }', 'reward/failed'],
    ['JSON.stringify = () => "{"; function reward() { return 1; }', 'reward/failed'],
    ['function other() { return 1; }', 'reward/source'],
    ['function reward( { return 1; }', 'reward/source'],
    ['import "x"; function reward() { return 1; }', 'reward/source'],
  ])('goes wrong with a name: %s', async (source, fault) => {
    expect(await run(source)).toMatchObject({ fault, message: expect.any(String) });
  });

  it('imports nothing: what is asked for never comes', async () => {
    const source = `let got = 0;
      function reward() { import('http://localhost/').then(() => { got = 1; }); return got; }`;
    expect(await run(source)).toEqual({ score: 0, why: '' });
  });

  it('names the line, and bounds what it says', async () => {
    const thrown = await run('\n\nfunction reward() { throw new Error("x".repeat(9000)); }');
    expect(thrown).toMatchObject({ message: expect.stringMatching(/^Error in line 3: x+/) });
    expect('message' in thrown && thrown.message.length).toBeLessThan(400);
    const said = await run('function reward() { return { score: 1, why: "y".repeat(9000) }; }');
    expect('why' in said && said.why.length).toBe(300);
  });

  it('works again after a source that went wrong', async () => {
    await run('function reward() { const all = []; for (;;) all.push("z".repeat(1000) + all.length); }');
    expect(await run('function reward() { return 1; }')).toEqual({ score: 1, why: '' });
  });
});
