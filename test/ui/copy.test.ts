// Words for errors: every code that the code base throws has some, and details carry no content of the user's.
import { describe, expect, it } from 'vitest';
import { ACTION_LABELS, errorCopy, errorDetails } from '../../src/ui/copy';

const CODES = [
  ...[
    'gpu/unavailable',
    'page/insecure',
    'gpu/no-adapter',
    'gpu/limit',
    'gpu/out-of-memory',
    'gpu/device-lost',
  ],
  ...[
    'gpu/shader',
    'gpu/validation',
    'model/download',
    'model/integrity',
    'model/config',
    'model/unsupported',
  ],
  ...['engine/cancelled', 'engine/state', 'worker/crashed', 'worker/version', 'model/list'],
  ...['data/image', 'data/image-size', 'data/image-aspect', 'data/prompt-length', 'usage/argument'],
  ...['data/dataset', 'data/zip', 'storage/full', 'storage/newer', 'storage/blocked', 'storage/missing'],
  ...['storage/other', 'train/busy', 'train/not-finite', 'train/memory', 'train/config', 'train/other'],
  ...['adapter/base', 'adapter/no-checkpoint', 'model/adapter', 'storage/archive', 'page/part'],
  ...[
    'storage/unavailable',
    'storage/closed',
    'storage/busy',
    'storage/failed',
    'data/model',
    'data/preview',
  ],
  ...['data/dataset-empty', 'data/dataset-read', 'data/dataset-size', 'data/dataset-table'],
  ...['train/interrupted', 'train/model', 'train/reward', 'train/other-device'],
  ...['tensor/shape', 'internal/unknown', 'something/new'],
];

describe('errorCopy', () => {
  it('has a title, a reason and a known action for every code', () => {
    for (const code of CODES) {
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

  it('has words of their own, with the engine’s reason, for what is stored and trained', () => {
    const codes = [
      ...['data/dataset', 'data/zip', 'storage/full', 'storage/newer', 'storage/blocked', 'storage/missing'],
      ...['train/busy', 'train/not-finite', 'train/memory', 'train/config', 'adapter/base', 'model/adapter'],
    ];
    const words = codes.map((code) => errorCopy({ code, message: 'the reason' }));
    expect(new Set(words.map(({ title }) => title)).size).toBe(codes.length);
    expect(words.every(({ why }) => why.includes('the reason'))).toBe(true);
  });

  it('makes details of code, message and context', () => {
    expect(errorDetails({ code: 'a/b', message: 'm', data: { n: 1 } }, { device: 'd' })).toBe(
      'code: a/b\nmessage: m\ndata: {"n":1}\ndevice: d',
    );
  });
});
