// The options of `ask`: every one that its help names is taken, and what is wrong is named.
import { afterEach, describe, expect, it } from 'vitest';
import { ASK_USAGE, readAskCall } from '../../tools/ask_call';

const argv = [...process.argv];
afterEach(() => {
  process.argv = argv;
});

function read(...args: string[]) {
  process.argv = ['node', 'ask.mjs', ...args];
  return readAskCall();
}

describe('readAskCall', () => {
  it('takes an adapter with its strength, and every other option', () => {
    const given: Record<string, string> = {
      ...{ image: 'a.png', question: 'How many?', mode: 'cot', model: 'pocket', weights: 'int8' },
      ...{ adapter: 'run.zip', strength: '0.5', seed: '7', temperature: '0', 'max-new-tokens': '9' },
    };
    const named = [...ASK_USAGE.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name = '']) => name);
    expect(named.sort()).toEqual([...Object.keys(given), 'json'].sort());
    const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]);
    expect(read(...args, '--json')).toEqual({
      ...{ images: ['a.png'], question: 'How many?', mode: 'cot', model: 'pocket', precision: 'int8' },
      ...{ adapter: 'run.zip', strength: 0.5, seed: 7, temperature: 0, maxNewTokens: 9, json: true },
    });
  });

  it('asks the base model without one', () => {
    expect(read('--image', 'a.png', '--question', 'q')).toMatchObject({ adapter: undefined, strength: 1 });
  });

  it('takes several pictures in their order, and says how many', () => {
    const images = ['b.png', 'a.png', 'b.png', 'c.png'];
    const args = images.flatMap((image) => ['--image', image]);
    expect(read(...args, '--question', 'q').images).toEqual(images);
    expect(() => read(...args, '--image', 'd.png', '--question', 'q')).toThrow(
      '--image may be given 4 times, not 5.',
    );
  });

  it('names what is missing or goes with nothing', () => {
    expect(() => read('--question', 'q')).toThrow('--image is missing.');
    expect(() => read('--image', 'a.png', '--question', ' ')).toThrow('--question is missing.');
    expect(() => read('--image', 'a.png', '--question', 'q', '--strength', '1')).toThrow(
      '--strength needs --adapter.',
    );
    expect(() => read('--image', 'a.png', '--question', 'q', '--adaptor', 'x')).toThrow(/--adaptor/);
  });
});
