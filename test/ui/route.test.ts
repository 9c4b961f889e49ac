// Hashes and pages: every page has its address, and an anchor within a page is no page.
import { describe, expect, it } from 'vitest';
import { ROUTES, routeOf } from '../../src/ui/route';

describe('routeOf', () => {
  it('finds every page by its name, with or without more behind it', () => {
    for (const route of ROUTES) {
      expect(routeOf(`#/${route}`)).toBe(route);
      expect(routeOf(`#/${route}?seed=1`)).toBe(route);
      expect(routeOf(`#/${route}/x`)).toBe(route);
    }
  });

  it('begins with Look, and leaves the page to hashes that name none', () => {
    expect(['', '#', '#/'].map(routeOf)).toEqual(['look', 'look', 'look']);
    expect(['#question', '#/nowhere', '#/lookout', '#/Look', '#data'].map(routeOf)).toEqual(
      Array(5).fill(null),
    );
  });
});
