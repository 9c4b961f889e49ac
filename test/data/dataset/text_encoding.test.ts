// Text tables in other encodings than UTF-8.
import { describe, expect, it } from 'vitest';
import { utf8Chunks } from '../../../src/data/dataset/text_encoding';

async function decode(bytes: Uint8Array, mayName = true, piece = 7): Promise<string> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.slice(at, at + piece);
  }
  const parts: Uint8Array[] = [];
  for await (const { text } of utf8Chunks('t.csv', chunks(), mayName)) parts.push(text);
  return Buffer.concat(parts).toString();
}

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
const TEXT = `${'image,question\n'.repeat(30)}ä 图 😀\n`;

describe('utf8Chunks', () => {
  it.each([
    ['UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with its mark', Buffer.from(`\ufeff${TEXT}`)],
    ['UTF-16 LE with its mark', utf16(`\ufeff${TEXT}`)],
    ['UTF-16 LE without', utf16(TEXT)],
    ['UTF-16 BE with its mark', utf16(`\ufeff${TEXT}`).swap16()],
    ['UTF-16 BE without', utf16(TEXT).swap16()],
  ])('reads %s in any pieces', async (_, bytes) => {
    for (const piece of [1, 3, 10_000]) expect(await decode(bytes, true, piece)).toBe(TEXT);
  });

  it.each(['utf-8', '# -*- coding: utf-8 -*-', 'encoding=utf_8', '"UTF8";;', '\ufeffutf-8'])(
    'leaves out a first line %j, and keeps its place',
    async (line) => {
      expect(await decode(Buffer.from(`${line}\r\na,ä\n`))).toBe('\r\na,ä\n');
    },
  );

  it('obeys a first line that names another encoding', async () => {
    const gbk = Buffer.from([...Buffer.from('gbk\na,'), 0xcd, 0xbc, 0x0a]);
    expect(await decode(gbk)).toBe('\na,图\n');
    const western = Buffer.from('windows-1252\na,caf\xe9\n', 'latin1');
    expect(await decode(western)).toBe('\na,café\n');
    // JSON has no such line.
    expect(await decode(Buffer.from('utf-8\n'), false)).toBe('utf-8\n');
  });

  it.each(['question\n', 'image2,utf-8\n', 'greek\n', 'x1\n'])('leaves the header %j', async (text) => {
    expect(await decode(Buffer.from(text))).toBe(text);
  });

  it('refuses UTF-32, with what to do', async () => {
    await expect(decode(Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]))).rejects.toThrow('save it as UTF-8');
  });
});
