// Lists and parses the repository's own sources, for the tests that check how the project is laid out. Paths are
// relative to the root, with forward slashes.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-api';

// A bundled command line lies elsewhere, and is told where the repository is.
const ROOT = process.env.LOOKBACK_ROOT ?? dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Every file below the given folders whose name ends in one of the extensions; generated folders left out. */
export function listFiles(folders: readonly string[], extensions: readonly string[]): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const item of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = posix.join(folder, item.name);
      if (item.isDirectory()) {
        if (!['node_modules', 'dist', '.git', 'fixtures', '__pycache__'].includes(item.name)) walk(path);
      } else if (extensions.some((extension) => item.name.endsWith(extension))) found.push(path);
    }
  };
  for (const folder of folders) if (existsSync(join(ROOT, folder))) walk(folder);
  return found.sort();
}

/** Whether the repository has this file. */
export function fileExists(path: string): boolean {
  return existsSync(join(ROOT, path));
}

/** Text of a file of the repository. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const parsed = new Map<string, ts.SourceFile>();

/** Syntax tree of a TypeScript file, parsed once. */
export function parse(path: string): ts.SourceFile {
  let file = parsed.get(path);
  if (!file) {
    const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
    file = ts.createSourceFile(path, readText(path), ts.ScriptTarget.Latest, true, kind);
    parsed.set(path, file);
  }
  return file;
}

function isExported(node: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)
  );
}

/** Names of a file's exported declarations that no docstring describes. */
export function undocumentedExports(path: string): string[] {
  const missing: string[] = [];
  const described = new Set<string>();
  for (const node of parse(path).statements) {
    if (!isExported(node)) continue;
    const name = declaredName(node);
    // Of several overloads, one description is enough.
    if (ts.getJSDocCommentsAndTags(node).length > 0) described.add(name);
    else missing.push(name);
  }
  return missing.filter((name) => !described.has(name));
}

function declaredName(node: ts.Statement): string {
  if (ts.isVariableStatement(node)) {
    return node.declarationList.declarations.map((declaration) => declaration.name.getText()).join(', ');
  }
  const { name } = node as ts.Statement & { name?: ts.Node };
  return name?.getText() ?? 'default';
}

/** Whether a file holds only types: nothing of it is left to run. */
export function isTypesOnly(path: string): boolean {
  return parse(path).statements.every(
    (node) =>
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly === true) ||
      (ts.isExportDeclaration(node) && node.isTypeOnly),
  );
}

/** One import of a file: where it leads (from the root for relative ones) and whether only types are taken. */
export interface ImportEdge {
  readonly specifier: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

/** Every static and dynamic import and re-export of a file. */
export function importsOf(path: string): ImportEdge[] {
  const edges: ImportEdge[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    const relative = specifier.startsWith('.');
    const target = relative ? posix.normalize(posix.join(posix.dirname(path), specifier)) : specifier;
    edges.push({ specifier, target, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node.importClause?.isTypeOnly === true);
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      add(node.moduleSpecifier.text, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) add(argument.text, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(path));
  return edges;
}
