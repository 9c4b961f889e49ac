// Words for errors: every code that the sources name has words of its own, and details carry no content of the user's.
import { describe, expect, it } from 'vitest';
import { ACTION_LABELS, ERROR_CATALOGUE, errorCopy, errorDetails } from '../../src/ui/error_copy';
import { listFiles, readText } from '../harness/source_files';

/** Codes of errors as the engine's half and the page's state write them. */
const CODE =
  /['"`]((?:gpu|model|data|storage|train|reward|adapter|engine|worker|usage|page|tensor|internal)\/[a-z0-9-]+)['"`]/g;

const codes = new Set(
  listFiles(['src'], ['.ts', '.tsx'])
    .filter((path) => path !== 'src/ui/error_copy.ts')
    .flatMap((path) => [...readText(path).matchAll(CODE)].map((match) => match[1] as string)),
);

describe('errorCopy', () => {
  it('has words of its own for every code that the sources name', () => {
    expect(codes.size).toBeGreaterThan(50);
    expect([...codes].filter((code) => ERROR_CATALOGUE[code] === undefined)).toEqual([]);
  });

  it('has words for no code that nothing throws', () => {
    expect(Object.keys(ERROR_CATALOGUE).filter((code) => !codes.has(code))).toEqual([]);
  });

  it('gives each code a title, a reason and a known action', () => {
    for (const code of Object.keys(ERROR_CATALOGUE)) {
      const words = errorCopy({ code, message: 'what happened' });
      expect(words.title, code).not.toBe('');
      expect(words.why, code).not.toBe('');
      if (words.action !== 'none') expect(ACTION_LABELS[words.action], code).toBeTruthy();
    }
  });

  it('tells the causes of missing WebGPU apart', () => {
    const titles = ['gpu/unavailable', 'page/insecure', 'gpu/no-adapter'].map(
      (code) => errorCopy({ code, message: '' }).title,
    );
    expect(new Set(titles).size).toBe(3);
  });

  it('fills in numbers, and says the engine’s own sentence for codes without an entry', () => {
    const limit = errorCopy({
      code: 'gpu/limit',
      message: '',
      data: { name: 'maxBufferSize', need: 4096, have: 12 },
    });
    expect(limit.why).toContain('maxBufferSize = 4,096');
    expect(errorCopy({ code: 'model/config', message: 'config.json lacks x' }).why).toBe(
      'config.json lacks x',
    );
  });

  it('makes details of code, message and context', () => {
    expect(errorDetails({ code: 'a/b', message: 'm', data: { n: 1 } }, { device: 'd' })).toBe(
      'code: a/b\nmessage: m\ndata: {"n":1}\ndevice: d',
    );
  });
});
