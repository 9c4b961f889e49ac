// The setting that names the tags of a look back.
import { describe, expect, it } from 'vitest';
import { LOOK_TAGS } from '../../src/answer/look_tags';
import { LOOK_TAG } from '../../src/settings/look_tag';
import { RunFileError, readRunFile, writeRunFile } from '../../src/settings/run_file';

const GIVEN = { model: 'pocket', mode: 'solution', source: { kind: 'shapes_world' } };
const read = (changes: object) => readRunFile(JSON.stringify({ ...GIVEN, ...changes }), 'grpo').file;

describe('LOOK_TAG', () => {
  it('offers every choice in the words of its tags, and the method’s own where a configuration names none', () => {
    const words = Object.entries(LOOK_TAGS).map(([name, { open, close }]) => [name, `${open} … ${close}`]);
    expect(LOOK_TAG.choices).toEqual(Object.fromEntries(words));
    expect(read({}).lookTag).toBe('back');
  });

  it('outlives being written and read again', () => {
    const file = read({ lookTag: 'words_check' });
    expect(JSON.parse(writeRunFile(file, {})).lookTag).toBe('words_check');
  });

  it.each(['<back>', 'think', '', '__proto__', 3, null])('refuses %j and says what there is', (lookTag) => {
    try {
      read({ lookTag });
      throw new Error('it was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(RunFileError);
      expect((error as Error).message).toMatch(/^lookTag is .*back, recheck, review, words_back/);
    }
  });
});
