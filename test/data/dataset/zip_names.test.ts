// Names of entries in the encodings that archivers use. The bytes are what Python's str.encode makes.
import { describe, expect, it } from 'vitest';
import { readZipNames } from '../../../src/data/dataset/zip_names';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const read = (...names: Uint8Array[]) =>
  readZipNames(names.map((bytes) => ({ bytes, isUtf8: false, unicode: null })));

describe('readZipNames', () => {
  it.each([
    ['GBK', 'cdbcc6ac2f31 2e706e67', '图片/1.png'],
    ['GBK', 'd1b5c1b7bcaf2f c3a82e6a7067', '训练集/猫.jpg'],
    ['Shift-JIS', '89e691 9c2f 944c2e706e67', '画像/猫.png'],
    ['Shift-JIS', '82cb82b12e706e67', 'ねこ.png'],
    ['Shift-JIS', '8365835883672e706e67', 'テスト.png'],
    ['Big5', 'b9cfa4f92f312e706e67', '圖片/1.png'],
    ['code page 437', '63616682 2e706e67', 'café.png'],
    ['code page 437', '4d816c6c65722e706e67', 'Müller.png'],
    ['windows-1252', '636166e92e706e67', 'café.png'],
    ['windows-1252', '4dfc6c6c65722e706e67', 'Müller.png'],
    ['UTF-8 without its flag', 'e59bbe2e706e67', '图.png'],
  ])('reads %s: %s', (_, bytes, name) => expect(read(hex(bytes))[0]?.name).toBe(name));

  it('keeps the other readings of a name that several encodings explain', () => {
    // Hangul and Chinese share these bytes: 사진 in EUC-KR.
    const [name] = read(hex('bbe7c1f82e706e67'));
    expect([name?.name, ...(name?.aliases ?? [])]).toContain('사진.png');
  });

  it('chooses one encoding for all names', () => {
    const names = read(hex('82cb82b12e706e67'), hex('89e6919c2e706e67'), hex('944c2e706e67'));
    expect(names.map(({ name }) => name)).toEqual(['ねこ.png', '画像.png', '猫.png']);
  });

  it('obeys the flag and the extra field', () => {
    const bytes = hex('cdbc2e706e67');
    const [flagged, extra] = readZipNames([
      { bytes: hex('c3a42e706e67'), isUtf8: true, unicode: null },
      { bytes, isUtf8: false, unicode: '图.png' },
    ]);
    expect(flagged).toEqual({ name: 'ä.png', aliases: [] });
    expect(extra).toEqual({ name: '图.png', aliases: [] });
  });

  it('reads any bytes', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(read(all, all.slice().reverse()).every(({ name }) => name.length > 0)).toBe(true);
  });
});
