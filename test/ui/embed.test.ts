// Which parts an embedded page leaves out.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hiddenParts, PARTS } from '../../src/ui/embed';

it('leaves out what is named, and of an embedded page what is around it', () => {
  expect(hiddenParts('')).toEqual([]);
  expect(hiddenParts('?hide=chart,notes, nonsense')).toEqual(['chart', 'notes']);
  expect(hiddenParts('?embed=1&hide=question')).toEqual(['header', 'question', 'guide', 'foot']);
  expect(hiddenParts('?embed=yes')).toEqual([]);
});

it('names every part in the styles and in the document of embeds', () => {
  const styles = readFileSync('src/ui/styles/embed.css', 'utf8');
  const words = readFileSync('docs/embed.md', 'utf8');
  for (const part of PARTS) {
    expect(styles).toContain(`[data-hide~="${part}"]`);
    expect(words).toContain(`| \`${part}\` |`);
  }
});
