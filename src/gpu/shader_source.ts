// Expands WGSL by a line preprocessor: `#include`, `#if`/`#elif`/`#else`/`#endif`, `#for`/`#endfor` and `${NAME}`.
// Text parameters cover what WGSL's `override` cannot express: register tiles, element types, optional bindings. The
// output depends on the files and defines alone.

import { GpuError } from '../lib/errors';

/** Text parameters. Booleans serve `#if`; numbers and strings are also substituted as `${NAME}`. */
export type ShaderDefines = Readonly<Record<string, string | number | boolean>>;

/** WGSL files by path below `shaders/`, e.g. `rms_norm.wgsl`, `lib/workgroup_reduce.wgsl`. */
export type ShaderFiles = Readonly<Record<string, string>>;

interface Line {
  readonly text: string;
  readonly where: string;
}

const MAX_INCLUDE_DEPTH = 8;

function readLines(files: ShaderFiles, path: string, depth: number): Line[] {
  const text = files[path];
  if (text === undefined) throw new GpuError('gpu/shader', `Shader file ${path} does not exist.`);
  if (depth > MAX_INCLUDE_DEPTH)
    throw new GpuError('gpu/shader', `Shader includes nest too deeply at ${path}.`);
  const lines: Line[] = [];
  text.split('\n').forEach((line, index) => {
    const include = /^\s*#include\s+"([^"]+)"\s*$/.exec(line);
    if (include?.[1] !== undefined) lines.push(...readLines(files, include[1], depth + 1));
    else lines.push({ text: line, where: `${path}:${index + 1}` });
  });
  return lines;
}

function lookUp(name: string, defines: ShaderDefines, where: string): string | number | boolean {
  const value = defines[name];
  if (value === undefined) throw new GpuError('gpu/shader', `${where}: ${name} is not defined.`);
  return value;
}

/** `#if NAME`, `#if !NAME`, `#if NAME == literal`, `!=`, `<`, `<=`, `>`, `>=`; undefined names are false alone. */
function evaluate(condition: string, defines: ShaderDefines, where: string): boolean {
  const comparison = /^(\w+)\s*(==|!=|<=|>=|<|>)\s*(\w+)$/.exec(condition.trim());
  if (comparison) {
    const [, name = '', operator, literal = ''] = comparison;
    const left = lookUp(name, defines, where);
    const right = defines[literal] ?? (/^\d+$/.test(literal) ? Number(literal) : literal);
    if (operator === '==') return left === right;
    if (operator === '!=') return left !== right;
    const [a, b] = [Number(left), Number(right)];
    if (operator === '<') return a < b;
    if (operator === '<=') return a <= b;
    return operator === '>' ? a > b : a >= b;
  }
  const plain = /^(!?)(\w+)$/.exec(condition.trim());
  if (!plain) throw new GpuError('gpu/shader', `${where}: cannot read the condition "${condition}".`);
  const value = Boolean(defines[plain[2] ?? ''] ?? false);
  return plain[1] === '!' ? !value : value;
}

/** A bound of `#for`: an integer literal or the name of a define that holds one. */
function evaluateBound(text: string, defines: ShaderDefines, where: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number(lookUp(text, defines, where));
  if (!Number.isInteger(value))
    throw new GpuError('gpu/shader', `${where}: bound ${text} is not an integer.`);
  return value;
}

function substitute(line: Line, defines: ShaderDefines): string {
  return line.text.replace(/\$\{(\w+)\}/g, (_, name: string) => String(lookUp(name, defines, line.where)));
}

/** Index of the directive that closes the block opened at `start`, with the positions of its branches. */
function findBlock(
  lines: readonly Line[],
  start: number,
  open: RegExp,
  close: RegExp,
): { end: number; marks: number[] } {
  const marks = [start];
  let depth = 0;
  for (let index = start + 1; index < lines.length; index++) {
    const text = lines[index]?.text ?? '';
    if (open.test(text)) depth++;
    else if (close.test(text)) {
      if (depth === 0) return { end: index, marks };
      depth--;
    } else if (depth === 0 && /^\s*#(elif\b|else\b)/.test(text)) marks.push(index);
  }
  throw new GpuError('gpu/shader', `${lines[start]?.where}: the block is never closed.`);
}

function expandIf(lines: readonly Line[], start: number, defines: ShaderDefines, out: string[]): number {
  const { end, marks } = findBlock(lines, start, /^\s*#if\b/, /^\s*#endif\b/);
  for (let branch = 0; branch < marks.length; branch++) {
    const at = marks[branch] ?? start;
    const line = lines[at];
    const condition = /^\s*#(?:if|elif)\s+(.*)$/.exec(line?.text ?? '')?.[1];
    if (condition === undefined || evaluate(condition, defines, line?.where ?? '')) {
      expand(lines.slice(at + 1, marks[branch + 1] ?? end), defines, out);
      break;
    }
  }
  return end;
}

function expandFor(lines: readonly Line[], start: number, defines: ShaderDefines, out: string[]): number {
  const line = lines[start];
  const header = /^\s*#for\s+(\w+)\s+in\s+(\w+)\.\.(\w+)\s*$/.exec(line?.text ?? '');
  if (!header || !line) throw new GpuError('gpu/shader', `${line?.where}: expected "#for i in A..B".`);
  const { end } = findBlock(lines, start, /^\s*#for\b/, /^\s*#endfor\b/);
  const [, variable = '', from = '', to = ''] = header;
  const last = evaluateBound(to, defines, line.where);
  for (let value = evaluateBound(from, defines, line.where); value < last; value++) {
    expand(lines.slice(start + 1, end), { ...defines, [variable]: value }, out);
  }
  return end;
}

function expand(lines: readonly Line[], defines: ShaderDefines, out: string[]): void {
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index];
    if (!line) continue;
    if (/^\s*#if\b/.test(line.text)) index = expandIf(lines, index, defines, out);
    else if (/^\s*#for\b/.test(line.text)) index = expandFor(lines, index, defines, out);
    else if (/^\s*#/.test(line.text))
      throw new GpuError('gpu/shader', `${line.where}: unknown directive "${line.text.trim()}".`);
    else out.push(substitute(line, defines));
  }
}

/**
 * Expands one shader file.
 * @param files    every WGSL file by path below `shaders/`
 * @param path     the file to expand
 * @param defines  text parameters
 * @returns        plain WGSL
 * @throws GpuError `gpu/shader` naming file and line for a missing file, name, or block end
 */
export function expandShader(files: ShaderFiles, path: string, defines: ShaderDefines): string {
  const out: string[] = [];
  expand(readLines(files, path, 0), defines, out);
  return out.join('\n');
}
