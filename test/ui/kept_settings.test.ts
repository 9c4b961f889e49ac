// Settings of the page in a backup: its own keys, and never over those that are here.
import { describe, expect, it } from 'vitest';
import { addSettings, keptSettings } from '../../src/ui/kept_settings';

function texts(held: Record<string, string>) {
  return {
    held,
    get length() {
      return Object.keys(held).length;
    },
    key: (at: number) => Object.keys(held)[at] ?? null,
    getItem: (key: string) => held[key] ?? null,
    setItem: (key: string, text: string) => {
      if (text === 'too much') throw new DOMException('full', 'QuotaExceededError');
      held[key] = text;
    },
  };
}

describe('settings of the page', () => {
  it('are those of its own keys', () => {
    const storage = texts({ other: 'x', 'look-back/theme': 'dark', 'look-back/plan': '{}' });
    expect(keptSettings(storage)).toEqual({ 'look-back/plan': '{}', 'look-back/theme': 'dark' });
  });

  it('are added where there are none, as far as there is room', () => {
    const storage = texts({ 'look-back/theme': 'dark' });
    const given = {
      'look-back/theme': 'light',
      'look-back/plan': '{}',
      'look-back/hub': 'too much',
      other: 'x',
    };
    expect(addSettings(given, storage)).toBe(1);
    expect(storage.held).toEqual({ 'look-back/theme': 'dark', 'look-back/plan': '{}' });
  });

  it('are none where the browser’s storage is blocked', () => {
    const blocked = Object.defineProperty(texts({}), 'length', {
      get: () => {
        throw new DOMException('blocked', 'SecurityError');
      },
    });
    expect(keptSettings(blocked)).toEqual({});
  });
});
