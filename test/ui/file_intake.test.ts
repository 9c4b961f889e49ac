// Drops, pastes and pickers as named files, over entries made by hand.
import { describe, expect, it } from 'vitest';
import { filesOfList, filesOfTransfer, pastedName } from '../../src/ui/file_intake';

function fileEntry(fullPath: string, broken = false): FileSystemEntry {
  const file = (resolve: (file: File) => void, reject: (error: Error) => void) =>
    broken ? reject(new Error('gone')) : resolve(new File([fullPath], fullPath));
  return { isFile: true, isDirectory: false, fullPath, file } as unknown as FileSystemEntry;
}

/** A folder whose reader gives its children out in parts of two, as browsers do in parts of a hundred. */
function folderEntry(fullPath: string, children: readonly FileSystemEntry[]): FileSystemEntry {
  const createReader = () => {
    let at = 0;
    return {
      readEntries: (resolve: (part: FileSystemEntry[]) => void) => {
        resolve(children.slice(at, at + 2));
        at += 2;
      },
    };
  };
  return { isFile: false, isDirectory: true, fullPath, createReader } as unknown as FileSystemEntry;
}

function transfer(entries: readonly FileSystemEntry[], text = ''): DataTransfer {
  const items = entries.map((entry) => ({ kind: 'file', webkitGetAsEntry: () => entry }));
  return { items, getData: () => text } as unknown as DataTransfer;
}

describe('filesOfTransfer', () => {
  it('walks folders in full, with paths from the top', async () => {
    const images = Array.from({ length: 5 }, (_, i) => fileEntry(`/set/images/${i}.png`));
    const set = folderEntry('/set', [
      fileEntry('/set/rows.jsonl'),
      folderEntry('/set/images', images),
      folderEntry('/set/empty', []),
    ]);
    const files = await filesOfTransfer(transfer([set, fileEntry('/more.zip')]));
    expect(files?.map(({ path }) => path)).toEqual([
      'set/rows.jsonl',
      ...[0, 1, 2, 3, 4].map((i) => `set/images/${i}.png`),
      'more.zip',
    ]);
    expect(await files?.[0]?.blob.text()).toBe('/set/rows.jsonl');
  });

  it('names what cannot be read', async () => {
    const set = folderEntry('/set', [fileEntry('/set/a.png', true)]);
    await expect(filesOfTransfer(transfer([set]))).rejects.toMatchObject({
      code: 'data/files',
      message: expect.stringContaining('set/a.png'),
    });
  });

  it.each([
    ['{"a":1}\n{"a":2}', 'pasted.jsonl'],
    ['{\n "data": []}', 'pasted.jsonl'],
    ['\n[{"a":1}]', 'pasted.json'],
    ['image\tquestion\na.png\tWhich, and why?', 'pasted.tsv'],
    ['image,question\na.png,"a\tb"', 'pasted.csv'],
  ])('names the table %j by its form', (text, name) => {
    expect(pastedName(text)).toBe(name);
  });

  it('takes a text as a table, and nothing as nothing', async () => {
    const files = await filesOfTransfer(transfer([], '{"question":"q"}'));
    expect(files?.map(({ path }) => path)).toEqual(['pasted.jsonl']);
    expect(await files?.[0]?.blob.text()).toBe('{"question":"q"}');
    expect(filesOfTransfer(transfer([], '  '))).toBeNull();
    expect(filesOfTransfer(null)).toBeNull();
  });

  it('takes files of a browser without entries', async () => {
    const file = new File(['x'], 'a.zip');
    const data = {
      items: [{ kind: 'string' }, { kind: 'file', getAsFile: () => file }],
      getData: () => '',
    } as unknown as DataTransfer;
    expect(await filesOfTransfer(data)).toEqual([{ path: 'a.zip', blob: file }]);
  });
});

describe('filesOfList', () => {
  it('keeps the path within a picked folder', () => {
    const inFolder = Object.assign(new File(['x'], 'a.png'), { webkitRelativePath: 'set/a.png' });
    expect(filesOfList([inFolder, new File(['y'], 'b.png')]).map(({ path }) => path)).toEqual([
      'set/a.png',
      'b.png',
    ]);
  });
});
