// Messages spell no name of a page or of a control by themselves: they take it from the constant that the control shows.
import ts from 'typescript-api';
import { describe, expect, it } from 'vitest';
import { GENERATION_SETTINGS } from '../../src/settings/generation_settings';
import { TRAIN_SETTINGS } from '../../src/settings/train_settings';
import { CONTROLS, control, PAGES, pageName } from '../../src/ui/controls';
import { ACTION_LABELS } from '../../src/ui/error_copy';
import { listFiles, parse, readText } from '../harness/source_files';

/** Quoted words that are those of the browser or of a chart's sentence. */
const QUOTED = [
  '“Unsafe WebGPU Support”',
  '“Use graphics acceleration when available”',
  '“In back”',
  '“late think”',
];

const labels = [
  ...Object.values(CONTROLS).map(({ label }) => label),
  ...Object.values(ACTION_LABELS),
  ...[...Object.values(TRAIN_SETTINGS), ...Object.values(GENERATION_SETTINGS)].map(({ label }) => label),
];

/** Fixed texts of a file, as they stand between what is put into them. */
function fixedTexts(path: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      texts.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(parse(path));
  return texts;
}

const escaped = (words: string) => words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const pages = Object.values(PAGES).join('|');
const NAMES = [
  new RegExp(`\\b(?:${pages}) page\\b|\\b[Tt]he [Ll]ibrary\\b|\\b(?:on|in) (?:${pages})(?![\\w-])`, 'g'),
  // Within a sentence: what begins one is a verb.
  new RegExp(`(?<=[a-z,;:] )(?:${labels.map(escaped).join('|')})(?![\\w-])`, 'g'),
  /“[^”]+”/g,
];

/** Names that a text spells by itself: a page, or within a sentence or in quotes the label of a control. */
function spelled(text: string): string[] {
  return NAMES.flatMap((name) => text.match(name) ?? []).filter((words) => !QUOTED.includes(words));
}

describe('a control', () => {
  it('is named by the words that it shows', () => {
    expect(control('start')).toBe('“Start”');
    expect(pageName('data')).toBe('the Data page');
  });
});

describe('a message', () => {
  it('spells no name of a page or of a control by itself', () => {
    const files = listFiles(['src'], ['.ts', '.tsx']).filter((path) => path !== 'src/ui/controls.ts');
    // Most files hold none of the names at all, and need not be parsed.
    const suspect = files.filter((path) => spelled(readText(path)).length > 0);
    const found = suspect.flatMap((path) =>
      fixedTexts(path).flatMap((text) => spelled(text).map((name) => `${path}: "${name}" in "${text}"`)),
    );
    expect(found).toEqual([]);
  });

  it.each([
    'Choose a preset and press Start.',
    'Press “Start” below.',
    'Delete it in the Library.',
    'Train one on the Train page',
    'Open on Train',
    'then lower Learning rate',
  ])('would be found by it: %s', (text) => {
    expect(spelled(text)).not.toEqual([]);
  });

  it.each(['Look-Back', 'Start again.', 'Delete this run?', 'the rate of learning'])('may say %s', (text) => {
    expect(spelled(text)).toEqual([]);
  });
});
