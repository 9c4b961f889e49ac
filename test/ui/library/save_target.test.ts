// Where a file is to be saved: by the browser's question, where it has one and may ask it.
import { describe, expect, it } from 'vitest';
import { chooseSaveTarget } from '../../../src/ui/library/save_target';

const asked = (answer: () => Promise<FileSystemFileHandle>) =>
  chooseSaveTarget('a.zip', { showSaveFilePicker: answer });
const failing = (name: string) => () => Promise.reject(new DOMException('', name));

describe('chooseSaveTarget', () => {
  it('is a file, none, or the browser’s own way', async () => {
    const handle = { name: 'a.zip' } as FileSystemFileHandle;
    expect(await asked(async () => handle)).toBe(handle);
    expect(await asked(failing('AbortError'))).toBeUndefined();
    expect(await asked(failing('SecurityError'))).toBeNull();
    expect(await chooseSaveTarget('a.zip', {})).toBeNull();
  });
});
