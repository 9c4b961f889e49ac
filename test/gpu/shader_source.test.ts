// The line preprocessor: every directive, nesting, and errors that name file and line.
import { describe, expect, it } from 'vitest';
import { expandShader, type ShaderDefines } from '../../src/gpu/shader_source';

function expand(text: string, defines: ShaderDefines = {}, files: Record<string, string> = {}): string {
  return expandShader({ ...files, 'a.wgsl': text }, 'a.wgsl', defines);
}

describe('expandShader', () => {
  it('leaves plain WGSL alone', () => {
    const text = 'fn a() {\n  let x = 1; // $ and {x}\n}\n';
    expect(expand(text)).toBe(text);
  });

  it('includes files, also nested, and substitutes in them', () => {
    const files = { 'lib/b.wgsl': 'b ${N}\n#include "lib/c.wgsl"', 'lib/c.wgsl': 'c' };
    expect(expand('x\n#include "lib/b.wgsl"\ny', { N: 3 }, files)).toBe('x\nb 3\nc\ny');
  });

  it('takes exactly one branch', () => {
    const text = '#if A == 1\none\n#elif A == 2\ntwo\n#else\nmany\n#endif';
    expect([1, 2, 3].map((A) => expand(text, { A }))).toEqual(['one', 'two', 'many']);
    expect(expand('#if F\nyes\n#endif', { F: false })).toBe('');
    expect(expand('#if !F\nyes\n#endif')).toBe('yes');
  });

  it('compares numbers as numbers, names with names and words', () => {
    const holds = (condition: string): boolean =>
      expand(`#if ${condition}\nyes\n#endif`, { A: 9, B: 10, T: 'bf16' }) === 'yes';
    expect(holds('A < B')).toBe(true);
    expect(holds('A >= B')).toBe(false);
    expect(holds('A <= 9')).toBe(true);
    expect(holds('B > 9')).toBe(true);
    expect(holds('T == bf16')).toBe(true);
    expect(holds('T != f32')).toBe(true);
  });

  it('does not evaluate the branch it does not take', () => {
    expect(expand('#if F\n${MISSING}\n#else\nok\n#endif', { F: false })).toBe('ok');
  });

  it('repeats lines, also nested in themselves and in branches', () => {
    const text = '#for i in 0..N\n#for j in 0..i\n${i}${j}\n#endfor\n#if i == 1\nmid\n#endif\n#endfor';
    expect(expand(text, { N: 3 }).split('\n')).toEqual(['10', 'mid', '20', '21']);
    expect(expand('#for i in 2..2\nx\n#endfor')).toBe('');
  });

  it('names file and line of what is wrong', () => {
    const code = (text: string, files: Record<string, string> = {}): string => {
      try {
        expand(text, {}, files);
      } catch (error) {
        return `${(error as { code: string }).code} ${(error as Error).message}`;
      }
      return 'no error';
    };
    expect(code('ok\n${X}')).toMatch(/^gpu\/shader a\.wgsl:2.*X/);
    expect(code('#include "no.wgsl"')).toMatch(/no\.wgsl/);
    expect(code('#include "b.wgsl"', { 'b.wgsl': '\n\n${Y}' })).toMatch(/b\.wgsl:3/);
    expect(code('#if A\nx')).toMatch(/a\.wgsl:1/);
    expect(code('#for i 0..2\n#endfor')).toMatch(/a\.wgsl:1/);
    expect(code('#for i in 0..2.5\n#endfor')).toMatch(/a\.wgsl:1/);
    expect(code('#pragma once')).toMatch(/a\.wgsl:1.*#pragma/);
    expect(code('#if A <> B\n#endif')).toMatch(/a\.wgsl:1/);
    expect(code('#if A == 1\n#endif')).toMatch(/a\.wgsl:1.*A/);
    expect(code('#include "a.wgsl"')).toMatch(/nest/);
  });
});
