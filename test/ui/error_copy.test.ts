// Words for errors: every code that the sources raise has words of its own, words are there for nothing else, and
// details carry no content of the user's.
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, isErrorCode } from '../../src/lib/error_codes';
import type { PlainError } from '../../src/lib/plain_error';
import { ACTION_LABELS, ERROR_CATALOGUE, errorCopy, errorDetails } from '../../src/ui/error_copy';
import { codesRaisedBy, raisedCodes } from '../harness/raised_codes';

const wordsOf = (code: (typeof ERROR_CODES)[number]) => errorCopy({ code, message: 'what happened' });

describe('the catalogue of errors', () => {
  it('has words for every code, and for nothing that is no code', () => {
    expect(Object.keys(ERROR_CATALOGUE).sort()).toEqual([...ERROR_CODES].sort());
  });

  it('has words for no code that nothing raises', () => {
    const raised = raisedCodes();
    expect(ERROR_CODES.filter((code) => !raised.has(code))).toEqual([]);
  });

  it('finds a code where an error is made, and not where one is looked at', () => {
    expect(codesRaisedBy('src/services/answers/engine_state.ts')).toEqual(['engine/state']);
    expect(codesRaisedBy('src/lib/plain_error.ts').sort()).toEqual(['engine/cancelled', 'internal/unknown']);
    expect(codesRaisedBy('src/state/model_quality.ts')).toEqual([]);
  });

  it('gives each code a title of its own', () => {
    const titles = ERROR_CODES.map((code) => wordsOf(code).title);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  });

  it.each(ERROR_CODES)('says for %s why, and what can be done', (code) => {
    const { title, why, steps, action } = wordsOf(code);
    expect(title.trim()).not.toBe('');
    expect(why.trim()).not.toBe('');
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) expect(step).toMatch(/[.]$/);
    if (action !== 'none') expect(ACTION_LABELS[action]).toBeTruthy();
  });

  it('offers no action that nothing uses', () => {
    const used = new Set(ERROR_CODES.map((code) => wordsOf(code).action));
    expect(
      Object.keys(ACTION_LABELS).filter((action) => !used.has(action as keyof typeof ACTION_LABELS)),
    ).toEqual([]);
  });
});

describe('errorCopy', () => {
  it('fills in numbers, and says the engine’s own sentence where there are none', () => {
    const limit: PlainError = {
      code: 'gpu/limit',
      message: 'Too many rows.',
      data: { name: 'maxBufferSize', need: 4096, have: 12 },
    };
    expect(errorCopy(limit).why).toContain('maxBufferSize = 4,096');
    expect(errorCopy({ code: 'gpu/limit', message: 'Too many rows.' }).why).toBe('Too many rows.');
    expect(errorCopy({ code: 'model/config', message: 'config.json lacks x' }).why).toBe(
      'config.json lacks x',
    );
  });

  it('has words for what another version of the page stored', () => {
    const stored = { code: 'gpu/lost', message: 'It was lost.' };
    expect(isErrorCode(stored.code)).toBe(false);
    expect(errorCopy(stored as PlainError).why).toBe('It was lost.');
  });

  it('leads to the page of a model whose owners ask first, if that is an address', () => {
    const gated = (page: unknown) =>
      errorCopy({ code: 'model/hub-gated', message: 'm', data: { page } }).link;
    expect(gated('https://example.org/m')?.href).toBe('https://example.org/m');
    expect(gated('javascript:alert(1)')).toBeUndefined();
  });

  it('makes details of code, message and context', () => {
    const error: PlainError = { code: 'train/busy', message: 'm', data: { n: 1 } };
    expect(errorDetails(error, { device: 'd' })).toBe(
      'code: train/busy\nmessage: m\ndata: {"n":1}\ndevice: d',
    );
  });
});
