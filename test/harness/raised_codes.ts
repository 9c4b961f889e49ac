// Finds the error codes that the sources raise: texts of the form `area/what` where an error is made, not where one is
// looked at, named in a type or spoken of in a comment.

import ts from 'typescript-api';
import { ERROR_CODES } from '../../src/lib/error_codes';
import { listFiles, parse, readText } from './source_files';

const CODE = /^[a-z]+\/[a-z0-9-]+$/;
/** Properties by which an error, or a fault that becomes one, carries its code. */
const CARRIERS: readonly string[] = ['code', 'fault'];
const CLASS = /Error$/;

/** Texts that an expression may come to, through conditions and parentheses. */
function textsOf(node: ts.Node, constants: ReadonlyMap<string, ts.Expression>): string[] {
  if (ts.isStringLiteralLike(node)) return CODE.test(node.text) ? [node.text] : [];
  if (ts.isConditionalExpression(node)) {
    return [...textsOf(node.whenTrue, constants), ...textsOf(node.whenFalse, constants)];
  }
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) {
    return textsOf(node.expression, constants);
  }
  if (!ts.isIdentifier(node)) return [];
  const value = constants.get(node.text);
  return value === undefined ? [] : textsOf(value, new Map());
}

/** Constants and defaults of parameters of a file, by name: what a code may be called. */
function constantsOf(file: ts.SourceFile): Map<string, ts.Expression> {
  const found = new Map<string, ts.Expression>();
  const visit = (node: ts.Node): void => {
    if ((ts.isVariableDeclaration(node) || ts.isParameter(node)) && ts.isIdentifier(node.name)) {
      if (node.initializer) found.set(node.name.text, node.initializer);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function isCarrier(node: ts.Node): boolean {
  return ts.isIdentifier(node) && CARRIERS.includes(node.text);
}

function isErrorClass(node: ts.Node): boolean {
  return ts.isIdentifier(node) && CLASS.test(node.text);
}

/** The expression that gives a code, if this node makes an error. */
function codeGiven(node: ts.Node): ts.Node | undefined {
  if (ts.isNewExpression(node) && isErrorClass(node.expression)) return node.arguments?.[0];
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword) {
    return node.arguments[0];
  }
  if (ts.isPropertyAssignment(node) && isCarrier(node.name)) return node.initializer;
  if (ts.isShorthandPropertyAssignment(node) && CARRIERS.includes(node.name.text)) return node.name;
  // Functions that refuse: `refuse(reason, 'data/image-size')`, `faultOf(thrown, 'reward/source')`.
  if (ts.isCallExpression(node))
    return node.arguments.find((one) => ts.isStringLiteral(one) && CODE.test(one.text));
  return undefined;
}

/** Every code that a file raises. */
export function codesRaisedBy(path: string): string[] {
  const file = parse(path);
  const constants = constantsOf(file);
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    const given = codeGiven(node);
    if (given) for (const code of textsOf(given, constants)) found.add(code);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...found];
}

/** Every code that the sources of the page and its engine raise. */
export function raisedCodes(): ReadonlySet<string> {
  // Parsing takes its time, and most files name no code at all.
  const areas = [...new Set(ERROR_CODES.map((code) => code.slice(0, code.indexOf('/'))))].join('|');
  const named = new RegExp(`['"](?:${areas})/[a-z]`);
  const files = listFiles(['src'], ['.ts', '.tsx']).filter((path) => named.test(readText(path)));
  return new Set(files.flatMap(codesRaisedBy));
}
