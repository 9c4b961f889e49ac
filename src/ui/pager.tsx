// Draws the way through a long list: which rows are shown, and buttons to those before and after.

const WORDS = {
  previous: 'Previous',
  next: 'Next',
  range: (from: number, to: number, total: number) => `${from} to ${to} of ${total}`,
} as const;

interface PagerProps {
  /** Number of the first row that is shown, from 0. */
  readonly offset: number;
  readonly total: number;
  /** Rows that are shown at once. */
  readonly page: number;
  readonly show: (offset: number) => void;
}

/** Nothing where all rows are shown. */
export function Pager({ offset, total, page, show }: PagerProps) {
  if (total <= page) return null;
  return (
    <p class="pager">
      <button
        type="button"
        class="quiet"
        disabled={offset === 0}
        onClick={() => show(Math.max(0, offset - page))}
      >
        {WORDS.previous}
      </button>
      <span>{WORDS.range(offset + 1, Math.min(total, offset + page), total)}</span>
      <button
        type="button"
        class="quiet"
        disabled={offset + page >= total}
        onClick={() => show(offset + page)}
      >
        {WORDS.next}
      </button>
    </p>
  );
}
