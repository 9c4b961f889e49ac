// What every deliberate error carries.
import { describe, expect, it } from 'vitest';
import {
  ArgumentError,
  DataError,
  GpuError,
  LookBackError,
  ModelError,
  ShapeError,
  StorageError,
} from '../../src/lib/errors';

describe('errors', () => {
  it('carry name, code, data and cause', () => {
    const cause = new Error('why');
    const error = new ModelError('model/config', 'config.json: x', { key: 'x' }, cause);
    expect(error).toBeInstanceOf(LookBackError);
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual(['ModelError', 'model/config', 'config.json: x']);
    expect(error.data).toEqual({ key: 'x' });
    expect(error.cause).toBe(cause);
  });

  it('have fixed codes where the class says it all', () => {
    expect(new ShapeError('m').code).toBe('tensor/shape');
    expect(new ArgumentError('m').code).toBe('usage/argument');
    expect(new DataError('data/image', 'm').name).toBe('DataError');
    expect(new StorageError('storage/full', 'm').code).toBe('storage/full');
    expect(new GpuError('gpu/device-lost', 'm').code).toBe('gpu/device-lost');
  });
});
