// Names of repositories as people write or paste them.
import { describe, expect, it } from 'vitest';
import { hubReference } from '../../src/lib/hub_reference';

describe('hubReference', () => {
  it.each([
    ['org/name', 'org/name', null],
    ['  Qwen/Qwen2.5-VL-3B-Instruct ', 'Qwen/Qwen2.5-VL-3B-Instruct', null],
    ['org/name@v1.0', 'org/name', 'v1.0'],
    ['org/name@refs/pr/1', 'org/name', 'refs/pr/1'],
    ['https://huggingface.co/org/name', 'org/name', null],
    ['https://huggingface.co/org/name/', 'org/name', null],
    ['https://huggingface.co/org/name?library=peft#usage', 'org/name', null],
    ['https://huggingface.co/org/name/tree/dev', 'org/name', 'dev'],
    ['https://huggingface.co/org/name/tree/refs%2Fpr%2F1', 'org/name', 'refs/pr/1'],
    ['https://huggingface.co/org/name/blob/main/config.json', 'org/name', 'main'],
    ['http://localhost:8080/org/name', 'org/name', null],
    ['https://huggingface.co/org/name/tree/%zz', 'org/name', '%zz'],
  ])('reads %s', (text, id, revision) => {
    expect(hubReference(text)).toEqual({ id, revision });
  });

  it.each([
    '',
    'name',
    'org/',
    '/name',
    'a/b/c',
    'org/name@',
    './org',
    '/absolute/path',
    'org/na me',
    'two words/name',
    'javascript://x/org/name',
    '../..',
  ])('takes %j for no name', (text) => expect(hubReference(text)).toBeNull());
});
