// Chooses light or dark, what the system prefers unless the toggle said otherwise, and reads theme colours for the
// canvases, which draw again when `theme` changes. The colours themselves are in styles/tokens.css.

import { computed, signal } from '@preact/signals';

/** One of the two appearances. */
export type Theme = 'light' | 'dark';

const KEY = 'look-back/theme';
const query = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null;
const system = signal<Theme>(query?.matches ? 'dark' : 'light');
const chosen = signal<Theme | null>(null);
const cache = new Map<string, string>();
let probe: HTMLElement | null = null;

/** The appearance in use. */
export const theme = computed<Theme>(() => chosen.value ?? system.value);

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    // Storage is blocked: the system's preference then holds.
    return null;
  }
}

function apply(value: Theme | null): void {
  if (value === null) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  cache.clear();
}

/** Reads the stored choice and follows the system from then on. Call once, before the first render. */
export function startTheme(): void {
  query?.addEventListener('change', (event) => {
    cache.clear();
    system.value = event.matches ? 'dark' : 'light';
  });
  matchMedia('(forced-colors: active)').addEventListener('change', () => cache.clear());
  const value = stored();
  apply(value);
  chosen.value = value;
}

/** Chooses an appearance against the system's preference, and remembers it. */
export function chooseTheme(value: Theme): void {
  apply(value);
  chosen.value = value;
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // Not remembered, then; the choice holds for this visit.
  }
}

/** The present value of a colour token such as `--accent`, as a canvas understands it. */
export function themeColour(token: string): string {
  const known = cache.get(token);
  if (known !== undefined) return known;
  if (probe === null) {
    probe = document.createElement('span');
    probe.hidden = true;
    // Else forced colours would give the colour of text for every token, and lose how much of a wash is seen.
    probe.style.forcedColorAdjust = 'none';
    document.body.append(probe);
  }
  probe.style.color = `var(${token})`;
  const value = getComputedStyle(probe).color;
  cache.set(token, value);
  return value;
}
