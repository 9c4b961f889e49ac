// A text kept in the browser, and a browser that keeps none.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { browserText } from '../../src/ui/browser_text';

afterEach(() => vi.unstubAllGlobals());

describe('browserText', () => {
  it('reads what it wrote', () => {
    const items = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, text: string) => items.set(key, text),
    });
    const text = browserText('a');
    expect(text.read()).toBeNull();
    text.write('x');
    expect(text.read()).toBe('x');
    expect(browserText('b').read()).toBeNull();
  });

  it('does without storage', () => {
    const blocked = () => {
      throw new DOMException('blocked');
    };
    vi.stubGlobal('localStorage', { getItem: blocked, setItem: blocked });
    expect(browserText('a').read()).toBeNull();
    expect(() => browserText('a').write('x')).not.toThrow();
  });
});
