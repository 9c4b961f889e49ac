// Rows of an evaluation set: {image, question, answer} as JSON lines, checked row by row.
// Not here: opening images (paths stay relative to the file, and whoever opened the file resolves them) or judging
// answers. Invariant: a row is either valid or listed as a problem with its line number; none is dropped silently.
import { DataError } from '../../lib/errors';
import { formatList } from '../../lib/format';

/** One question about one image. */
export interface EvaluationRow {
  /** Line in the file, from 1. */
  readonly line: number;
  /** Path relative to the dataset file, with `/` between segments. */
  readonly image: string;
  readonly question: string;
  /** The expected answer as text. */
  readonly answer: string;
  /** Group for the report, where the file gives one. */
  readonly kind: string | null;
}

/** A row that cannot be used. */
export interface RowProblem {
  readonly line: number;
  readonly reason: string;
}

/** What a dataset file holds. */
export interface ParsedDataset {
  readonly rows: readonly EvaluationRow[];
  readonly problems: readonly RowProblem[];
}

/** Normalised relative path with `/` between segments (`..` only in front), or a reason against it. */
export function checkImagePath(path: unknown): { path: string } | { reason: string } {
  if (typeof path !== 'string' || path.trim() === '') return { reason: 'image must be a path' };
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith('/') || path.startsWith('\\')) {
    return { reason: `image "${path}" must be relative to the dataset file` };
  }
  if (path.includes('\0')) return { reason: 'image contains a NUL character' };
  const segments: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..' && segments.length > 0 && segments.at(-1) !== '..') segments.pop();
    else segments.push(segment);
  }
  const last = segments.at(-1);
  if (last === undefined || last === '..') return { reason: `image "${path}" is a folder` };
  return { path: segments.join('/') };
}

function parseRow(json: unknown, line: number): EvaluationRow | RowProblem {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { line, reason: 'must be a JSON object with image, question and answer' };
  }
  const field = (key: string): unknown =>
    Object.hasOwn(json, key) ? (json as Record<string, unknown>)[key] : undefined;
  const image = checkImagePath(field('image'));
  if ('reason' in image) return { line, reason: image.reason };
  const question = field('question');
  if (typeof question !== 'string' || question.trim() === '')
    return { line, reason: 'question must be a text' };
  const answer = field('answer');
  const answerText = typeof answer === 'number' && Number.isFinite(answer) ? String(answer) : answer;
  if (typeof answerText !== 'string' || answerText.trim() === '') {
    return { line, reason: 'answer must be a text or a number' };
  }
  const kind = field('kind') ?? null;
  if (kind !== null && typeof kind !== 'string') return { line, reason: 'kind must be a text' };
  return { line, image: image.path, question, answer: answerText, kind };
}

/** Parses JSON lines; blank lines and a byte order mark are skipped. Never throws. */
export function parseDataset(text: string): ParsedDataset {
  const rows: EvaluationRow[] = [];
  const problems: RowProblem[] = [];
  text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .forEach((source, index) => {
      if (source.trim() === '') return;
      let json: unknown;
      try {
        json = JSON.parse(source);
      } catch {
        problems.push({ line: index + 1, reason: 'is not valid JSON' });
        return;
      }
      const row = parseRow(json, index + 1);
      if ('reason' in row) problems.push(row);
      else rows.push(row);
    });
  return { rows, problems };
}

/**
 * Rows of a dataset that must be whole. Throws DataError `data/dataset`, listing the bad rows, when any row is bad or
 * there are none.
 */
export function requireDataset(text: string, file: string): readonly EvaluationRow[] {
  const { rows, problems } = parseDataset(text);
  if (problems.length > 0) {
    const list = formatList(problems.map(({ line, reason }) => `line ${line}: ${reason}`));
    throw new DataError('data/dataset', `${file}: ${problems.length} bad rows: ${list}`, {
      file,
      problems: problems.slice(0, 100),
    });
  }
  if (rows.length === 0) throw new DataError('data/dataset', `${file}: no rows`, { file });
  return rows;
}
