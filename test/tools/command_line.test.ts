// command_line: options are read strictly, and whatever is wrong is a UsageError that says what would be right.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GENERATION_SETTINGS } from '../../src/settings/generation_settings';
import { oneOf, runCommand, settingOption, UsageError, wholeNumber } from '../../tools/command_line';

describe('wholeNumber', () => {
  it('reads numbers and falls back', () => {
    expect(wholeNumber('n', '12', 1, 5)).toBe(12);
    expect(wholeNumber('n', undefined, 1, 5)).toBe(5);
    expect(wholeNumber('n', '0', 0, 5)).toBe(0);
  });

  it.each(['', ' ', '-1', '1.5', '1e3', 'x', '99999999999999999999', '0'])('refuses "%s"', (text) => {
    expect(() => wholeNumber('count', text, 1, 5)).toThrow(UsageError);
    expect(() => wholeNumber('count', text, 1, 5)).toThrow(/--count/);
  });
});

describe('settingOption', () => {
  const { temperature, maxNewTokens, mode } = GENERATION_SETTINGS;

  it('reads a setting as the page does, and takes its default', () => {
    expect(settingOption('temperature', temperature, '0,7')).toBe(0.7);
    expect(settingOption('max-new-tokens', maxNewTokens, undefined)).toBeNull();
    expect(settingOption('mode', mode, 'cot')).toBe('cot');
  });

  it('changes nothing silently: what cannot be used is named with its range', () => {
    const option = (text: string) => () => settingOption('temperature', temperature, text);
    for (const text of ['', '-1', '3', 'x', 'NaN']) expect(option(text)).toThrow(UsageError);
    expect(option('3')).toThrow('--temperature must be a number from 0 to 2, not "3".');
    expect(() => settingOption('mode', mode, 'loud')).toThrow(/plain, cot, semantic, solution/);
    expect(() => settingOption('max-new-tokens', maxNewTokens, '0')).toThrow(/from 1 to/);
  });
});

describe('oneOf', () => {
  it('names the words there are', () => {
    expect(oneOf('mode', 'cot', ['plain', 'cot'])).toBe('cot');
    expect(() => oneOf('mode', 'loud', ['plain', 'cot'])).toThrow(/--mode.*plain, cot.*"loud"/);
  });
});

describe('runCommand', () => {
  const argv = [...process.argv];
  afterEach(() => {
    process.argv = argv;
    vi.restoreAllMocks();
  });

  /** Runs a command as `node command.mjs ARGS…` would; ending the process is caught. */
  async function run(args: readonly string[], command: () => Promise<void>) {
    process.argv = ['node', 'command.mjs', ...args];
    const [out, err]: [string[], string[]] = [[], []];
    const writer =
      (to: string[]) =>
      (text: unknown, done?: unknown): boolean => {
        to.push(String(text));
        if (typeof done === 'function') done();
        return true;
      };
    vi.spyOn(process.stdout, 'write').mockImplementation(writer(out));
    vi.spyOn(process.stderr, 'write').mockImplementation(writer(err));
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('ended');
    });
    await expect(runCommand('usage: command', command)).rejects.toThrow('ended');
    return { code: exit.mock.calls[0]?.[0], out: out.join(''), err: err.join('') };
  }

  it.each(['--help', '-h'])('says how it is used on %s, and has succeeded', async (word) => {
    const command = async (): Promise<void> => expect.unreachable();
    expect(await run(['FILE', word], command)).toEqual({ code: 0, out: 'usage: command\n', err: '' });
  });

  it('ends with 2 and the usage when it was called wrongly', async () => {
    const result = await run([], async () => {
      throw new UsageError('Name a file.');
    });
    expect(result).toEqual({ code: 2, out: '', err: 'Name a file.\n\nusage: command\n' });
  });
});
