// Measures the repository's own code: long functions and files, repeated runs of lines, undescribed exports, readers of
// the tag grammar, and places that state a setting's value. `npm run figures` prints these, the layout test checks them.

import ts from 'typescript-api';
import { EVALUATION_SETTINGS } from '../../src/settings/evaluation_settings';
import { ADAPTER_SETTINGS, GENERATION_SETTINGS } from '../../src/settings/generation_settings';
import { faultOf, type Setting } from '../../src/settings/setting';
import { TRAIN_SETTINGS } from '../../src/settings/train_settings';
import { listFiles, parse, readText, undocumentedExports } from './source_files';

/** Most lines of a function that are not blank, in `src` and `tools`: the one statement of this limit. */
export const MAX_FUNCTION_LINES = 60;

/** Something in a file that is longer than it should be. */
export interface LongPiece {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly name: string;
  readonly lines: number;
}

/** A run of lines that two places share. */
export interface DuplicateRun {
  readonly lines: number;
  /** Each as `path:line`. */
  readonly places: readonly [string, string];
}

/** Sources of the product: TypeScript of `src`, without declarations alone. */
export function productFiles(): string[] {
  return listFiles(['src'], ['.ts', '.tsx']).filter((path) => !path.endsWith('.d.ts'));
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (node.name) return node.name.getText();
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const { parent } = node;
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent);
  return named ? parent.name.getText() : 'a function without name';
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

/** Functions of the files whose text has more lines than `most`, blank ones left out. */
export function longFunctions(paths: readonly string[], most: number): LongPiece[] {
  const found: LongPiece[] = [];
  for (const path of paths) {
    const file = parse(path);
    const visit = (node: ts.Node): void => {
      if (isFunction(node)) {
        const lines = node
          .getText()
          .split('\n')
          .filter((line) => line.trim() !== '').length;
        const { line } = file.getLineAndCharacterOfPosition(node.getStart());
        if (lines > most) found.push({ path, line: line + 1, name: nameOf(node), lines });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found.sort((a, b) => b.lines - a.lines);
}

/** Files with more lines than `most`. */
export function longFiles(paths: readonly string[], most: number): LongPiece[] {
  return paths
    .map((path) => ({ path, line: 1, name: path, lines: readText(path).split('\n').length - 1 }))
    .filter(({ lines }) => lines > most)
    .sort((a, b) => b.lines - a.lines);
}

interface Line {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** Lines that hold code: no blank ones, no comments, no imports. */
function codeLines(path: string): Line[] {
  const text = readText(path)
    // Kept as lines, so that numbers stay right.
    .replace(/^import\b[^;]*;/gm, (statement) => statement.replace(/[^\n]/g, ''))
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''));
  return text.split('\n').flatMap((raw, index): Line[] => {
    const line = raw.trim();
    return line === '' || line.startsWith('//') ? [] : [{ path, line: index + 1, text: line }];
  });
}

/** Runs of at least `least` equal lines of code in two places, as long as they go; the longest first. */
export function duplicateRuns(paths: readonly string[], least: number): DuplicateRun[] {
  const files = paths.map(codeLines);
  const windows = new Map<string, (readonly [file: number, at: number])[]>();
  files.forEach((lines, file) => {
    for (let at = 0; at + least <= lines.length; at++) {
      const key = lines
        .slice(at, at + least)
        .map(({ text }) => text)
        .join('\n');
      windows.set(key, [...(windows.get(key) ?? []), [file, at]]);
    }
  });
  const found: DuplicateRun[] = [];
  const same = (f: number, a: number, g: number, b: number): boolean =>
    files[f]?.[a] !== undefined && files[f]?.[a]?.text === files[g]?.[b]?.text;
  for (const places of windows.values()) {
    // Each place is compared with the first: a third copy is told as a second pair.
    const [first, ...others] = places;
    if (first === undefined) continue;
    const [f, a] = first;
    for (const [g, b] of others) {
      if (same(f, a - 1, g, b - 1)) continue;
      let lines = least;
      while (same(f, a + lines, g, b + lines)) lines++;
      const place = (file: number, at: number) => `${files[file]?.[at]?.path}:${files[file]?.[at]?.line}`;
      found.push({ lines, places: [place(f, a), place(g, b)] });
    }
  }
  return found.sort((x, y) => y.lines - x.lines);
}

/** Exports without docstring, each as `path: name`. */
export function undescribedExports(paths: readonly string[]): string[] {
  return paths.flatMap((path) => undocumentedExports(path).map((name) => `${path}: ${name}`));
}

const TAG = /<\\?\/?\(?(think|back)|boxed/;
/** Methods that search a text. */
const SEARCH =
  /^(indexOf|lastIndexOf|includes|startsWith|endsWith|split|search|match|matchAll|replace|replaceAll)$/;

/** Files that look for the tags or the box in a text: a regular expression or a search with one of them. */
export function grammarReaders(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    let reads = false;
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node) && TAG.test(node.text)) reads = true;
      if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
        const searches = SEARCH.test(node.expression.name.text);
        const [what] = node.arguments;
        if (searches && what && ts.isStringLiteralLike(what) && TAG.test(what.text)) reads = true;
      }
      if (!reads) ts.forEachChild(node, visit);
    };
    visit(parse(path));
    return reads;
  });
}

/** The value that a literal writes; undefined for any other expression. */
function literalValue(node: ts.Expression): unknown {
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isStringLiteralLike(node)) return node.text;
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  return node.kind === ts.SyntaxKind.FalseKeyword ? false : undefined;
}

/** All settings by their last names, e.g. `learningRate` of `optim.learningRate`. */
const SETTINGS = new Map<string, Setting[]>();
for (const table of [TRAIN_SETTINGS, GENERATION_SETTINGS, ADAPTER_SETTINGS, EVALUATION_SETTINGS])
  for (const [path, setting] of Object.entries<Setting>(table)) {
    const name = path.slice(path.lastIndexOf('.') + 1);
    SETTINGS.set(name, [...(SETTINGS.get(name) ?? []), setting]);
  }

/**
 * Files with an object literal that gives values to at least three settings, so that a default changed elsewhere would
 * not change there. A value that no setting of that name takes is none of a setting.
 */
export function settingPlaces(paths: readonly string[]): string[] {
  const isValue = (name: string, value: ts.Expression): boolean =>
    (SETTINGS.get(name) ?? []).some((setting) => faultOf(setting, literalValue(value)) === null);
  return paths.filter((path) => {
    let states = false;
    const visit = (node: ts.Node): void => {
      if (ts.isObjectLiteralExpression(node)) {
        const given = node.properties.filter(
          (property) =>
            ts.isPropertyAssignment(property) && isValue(property.name.getText(), property.initializer),
        );
        if (given.length >= 3) states = true;
      }
      if (!states) ts.forEachChild(node, visit);
    };
    visit(parse(path));
    return states;
  });
}
