// Which file a row means.
import { describe, expect, it } from 'vitest';
import { readImagePath } from '../../../src/data/dataset/image_path';
import { PathIndex } from '../../../src/data/dataset/path_index';

/** Answers with a file's path, or the reason. */
function finder(table: string, files: readonly string[]): (path: string) => string {
  const index = new PathIndex([table, ...files].map((path) => ({ path })));
  return (text) => {
    const path = readImagePath(text);
    if ('reason' in path) return path.reason;
    const found = index.find(table, path);
    return 'file' in found ? found.file.path : found.reason;
  };
}

describe('find', () => {
  it('looks from the table, then from the folders around it, and not outside', () => {
    const find = finder('d/ann/t.jsonl', ['d/ann/a.png', 'd/img/b.png', 'img/c.png', 'a.png', 'e.png']);
    expect(find('a.png')).toBe('d/ann/a.png');
    expect(find('../img/b.png')).toBe('d/img/b.png');
    expect(find('img/b.png')).toBe('d/img/b.png');
    expect(find('img/c.png')).toBe('img/c.png');
    expect(find('../../../e.png')).toContain('not among the files');
    expect(find('__proto__')).toContain('not among the files');
  });

  it('finds paths that begin with the name of the folder that holds the table', () => {
    expect(finder('set/train/metadata.jsonl', ['set/train/a.png', 'set/test/a.png'])('train/a.png')).toBe(
      'set/train/a.png',
    );
    expect(finder('metadata.jsonl', ['a.png', 'b/a.png'])('train/a.png')).toBe('a.png');
    expect(finder('t.jsonl', ['images/a.png'])('data/images/a.png')).toBe('images/a.png');
    expect(finder('set/t.jsonl', ['set/images/a.png', 'b/images/a.png'])('data/images/a.png')).toBe(
      'set/images/a.png',
    );
  });

  it('does not take a file from another folder than the one that is named', () => {
    const find = finder('t.jsonl', ['train/images/1.png', 'train/2.png']);
    expect(find('test/images/1.png')).toContain('not among the files');
    expect(find('test/2.png')).toContain('not among the files');
  });

  it('takes a bare name from any folder while only one file has it', () => {
    const find = finder('ann/t.jsonl', ['img/a.png', 'img/b.png', 'more/b.png']);
    expect(find('a.png')).toBe('img/a.png');
    expect(find('b.png')).toBe('image "b.png" may be one of several files: img/b.png or more/b.png');
  });

  it.each([
    '/data/u/set/train/1.png',
    'file:///data/train/1.png',
    'C:\\data\\train\\1.png',
    '\\\\server\\x\\TRAIN\\1.PNG',
  ])('matches %j by its end', (path) => {
    expect(finder('t.jsonl', ['train/1.png', 'test/1.png'])(path)).toBe('train/1.png');
    expect(finder('t.jsonl', ['1.png'])(path)).toBe('1.png');
    expect(finder('x/t.jsonl', ['x/pictures/1.png'])(path)).toBe('x/pictures/1.png');
    const several = finder('t.jsonl', ['a/1.png', 'b/1.png']);
    expect(several(path)).toContain('may be one of several files: a/1.png or b/1.png');
  });

  it('forgives case and composed accents where one file can be meant', () => {
    const umlaut = 'img/Ä.PNG'.normalize('NFD');
    const find = finder('t.jsonl', [umlaut, 'img/b.png', 'img/B.png', 'x.png', 'X.png']);
    expect(find('IMG/ä.png')).toBe(umlaut);
    expect(find('img/B.png')).toBe('img/B.png');
    expect(find('IMG/b.PNG')).toContain('may be one of several');
  });

  it('goes by name where the files came without folders, unless two rows mean different ones', () => {
    const find = finder('t.jsonl', ['a.png', 'b.png']);
    expect(find('train/a.png')).toBe('a.png');
    expect(find('test/a.png')).toContain('choose the folder');
    expect(find('/x/a.png')).toContain('choose the folder');
    expect(find('train/a.png')).toBe('a.png');
    expect(find('train/c.png')).toContain('not among the files');
  });

  it('knows further names of a file', () => {
    const index = new PathIndex([{ path: '═╝.png', aliases: ['图.png'] }]);
    expect(index.find('t.jsonl', { path: '图.png', absolute: false })).toHaveProperty('file');
  });

  it('stays linear where many files share a name and many paths are deep', () => {
    const files = Array.from({ length: 20_000 }, (_, i) => `${i}/${'d/'.repeat(i % 40)}image.png`);
    const find = finder('t.jsonl', files);
    for (let i = 0; i < 20_000; i++) expect(find(`/data/${i}/image.png`)).toBeTypeOf('string');
    expect(find(`/data/${'x/'.repeat(100_000)}image.png`)).toContain('several');
  });
});
