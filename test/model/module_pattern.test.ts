// Patterns of module names mean what RegExp means by them, and run in bounded time whatever they are.

import { describe, expect, it } from 'vitest';
import { wholeNameMatcher } from '../../src/model/module_pattern';

const NAMES = [
  'q_proj',
  'model.language_model.layers.0.self_attn.q_proj',
  'model.language_model.layers.11.mlp.down_proj',
  'model.visual.blocks.3.attn.qkv',
  'model.visual.merger.mlp.0',
  '',
  'aaa',
  'ab',
];

describe('wholeNameMatcher', () => {
  it.each([
    '.*',
    '.*_proj',
    '(?:.*\\.)?(?:q_proj)',
    '.*\\.layers\\.(0|2|\\d\\d)\\..*',
    'model\\.visual\\.blocks\\.\\d+\\.attn\\.(qkv|proj)',
    '^.*layers\\.[0-9]+\\.mlp\\.(?:up|down)_proj$',
    '(.*\\.)?(^model.visual.merger.mlp.0)',
    'a*',
    'a+b?',
    '(a|b)*',
    '(a*)*',
    '(ab?)+',
    '(a?)',
    '[^.]+',
    '[a-c\\d_]+',
    '.*?(?:language|text).*?(?:self_attn|mlp).*?(?:q_proj|down_proj).*?',
    '|q_proj',
    '',
    '\\w+\\W.*',
  ])('agrees with RegExp on %s', (pattern) => {
    const matches = wholeNameMatcher(pattern);
    const expression = new RegExp(`^(?:${pattern})$`);
    expect(NAMES.map((name) => matches?.(name))).toEqual(NAMES.map((name) => expression.test(name)));
  });

  it.each([
    '(?!.*visual).*',
    '(?P<n>a)',
    '\\bq_proj',
    '(a)\\1',
    'a{2,}',
    '(a',
    'a)',
    '[a',
    '*a',
    '\\',
    'x'.repeat(1001),
  ])('does not pretend to understand %s', (pattern) => {
    expect(wholeNameMatcher(pattern)).toBeNull();
  });

  it('answers where RegExp would try 2^200 ways', () => {
    const matches = wholeNameMatcher('(?:(?:a|a)*)*b');
    expect(matches?.('a'.repeat(200))).toBe(false);
    expect(matches?.(`${'a'.repeat(200)}b`)).toBe(true);
    expect(wholeNameMatcher('.*'.repeat(400))?.('a'.repeat(200))).toBe(true);
  });

  it('reads deeply nested groups', () => {
    const depth = 400;
    expect(wholeNameMatcher(`${'('.repeat(depth)}a${')'.repeat(depth)}`)?.('a')).toBe(true);
  });
});
