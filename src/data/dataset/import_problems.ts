// Collects the rows and files that an import cannot use, bounded in memory; the import goes on past them. Every
// problem is listed or counted, whatever the input, and a reason never carries more than a few hundred characters of
// somebody else's text.

/** A row, or a whole file, that cannot be used. */
export interface ImportProblem {
  readonly file: string;
  /** Line of a text, item of a JSON list, from 1; null for a whole file. */
  readonly row: number | null;
  readonly reason: string;
}

const MAX_REASON = 300;
const MAX_SHOWN = 80;

/** At most `limit` characters of a text, with an ellipsis where it was cut; control characters become spaces. */
export function shorten(text: string, limit = MAX_SHOWN): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to go.
  const clean = text.slice(0, limit + 1).replace(/[\u0000-\u001f\u007f]/g, ' ');
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean;
}

/** Problems in the order they were found; the first `limit` are kept, the others counted. */
export class ProblemList {
  private readonly kept: ImportProblem[] = [];
  private readonly limit: number;
  private count = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Lists a problem, or counts it. */
  add(file: string, row: number | null, reason: string): void {
    this.count += 1;
    if (this.kept.length >= this.limit) return;
    this.kept.push({ file: shorten(file, MAX_REASON), row, reason: shorten(reason, MAX_REASON) });
  }

  /** Counts problems that were not kept. */
  addUnlisted(count: number): void {
    this.count += count;
  }

  /** Problems beyond the listed ones. */
  get more(): number {
    return this.count - this.kept.length;
  }

  /** The listed ones: whole files first, then by row. */
  sorted(): readonly ImportProblem[] {
    return [...this.kept].sort((a, b) => (a.row ?? 0) - (b.row ?? 0));
  }
}
