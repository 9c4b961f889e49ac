// Writes the stream of the answer straight to the DOM: segment cards with one element per token, appended frame by
// frame, because diffing a growing list would cost more per token. All writes of one frame happen in one flush; model
// text enters as text nodes only, never as markup.

import { meanShares, percent } from '../../state/attention_view';
import type { Attending } from '../../state/look_region';
import type { Card, StepRange } from '../../state/segment_layout';
import { type Answer, recordedSteps, type Step } from '../../state/session';
import { COPY } from '../copy';
import { iconElement } from '../icons';

/** What the stream reports when people point at tokens. */
export interface StreamCallbacks {
  hover(range: StepRange | null): void;
  pin(step: number): void;
  pinRange(from: number, to: number): void;
  pinCard(index: number): void;
  /** Whether the newest text is in view. */
  following(value: boolean): void;
}

/** A run of characters of one step within one card. */
interface Piece {
  readonly element: HTMLElement;
  readonly step: number;
  readonly from: number;
  readonly to: number;
}

interface CardView {
  readonly element: HTMLElement;
  readonly text: HTMLElement;
  readonly meta: HTMLElement;
  readonly line: SVGPolylineElement | null;
  readonly pieces: Piece[];
  card: Card;
}

/** Pixels from the bottom within which new text keeps the view at the bottom. */
const STICKY = 120;
const SVG = 'http://www.w3.org/2000/svg';

function make(tag: string, className: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

function sparkline(): { svg: SVGSVGElement; line: SVGPolylineElement } {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 100 24');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('class', 'sparkline');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'polyline');
  line.setAttribute('vector-effect', 'non-scaling-stroke');
  svg.append(line);
  return { svg, line };
}

/** Index of the first step that ends after `offset`. */
function stepAt(steps: readonly Step[], offset: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle]?.end ?? 0) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What {@link StreamView.number} writes beside tokens that attended to a region. */
export function attentionNumbers(attending: readonly Attending[]): ReadonlyMap<number, string> {
  return new Map(attending.map(({ step, mass }) => [step, percent(mass)]));
}

/** The island. Give it the element to fill; call {@link update} and {@link mark} as often as you like. */
export class StreamView {
  private readonly root: HTMLElement;
  private readonly callbacks: StreamCallbacks;
  private views: CardView[] = [];
  private answer: Answer | null = null;
  private cards: readonly Card[] = [];
  private answerNumber = -1;
  private numbers: ReadonlyMap<number, string> = new Map();
  private numbered: ReadonlyMap<number, string> = new Map();
  private tinted = 0;
  private marked: StepRange | null = null;
  private wanted: StepRange | null = null;
  private reveal = false;
  private following = true;
  /** Something was appended in this frame. Marking alone must not scroll the text away under the pointer. */
  private grew = false;
  private frame = 0;

  constructor(root: HTMLElement, callbacks: StreamCallbacks) {
    this.root = root;
    this.callbacks = callbacks;
    // A scrolling region must be reachable by keyboard.
    root.tabIndex = 0;
    root.addEventListener('pointerover', this.onOver);
    root.addEventListener('pointerleave', this.onLeave);
    root.addEventListener('click', this.onClick);
    root.addEventListener('scroll', this.onScroll, { passive: true });
  }

  /** Takes the newest answer; drawn in the next frame. */
  update(answer: Answer | null, cards: readonly Card[]): void {
    this.answer = answer;
    this.cards = cards;
    this.schedule();
  }

  /** Marks the shown steps; `reveal` scrolls the first of them into view. */
  mark(range: StepRange | null, reveal: boolean): void {
    this.wanted = range;
    this.reveal = reveal;
    this.schedule();
  }

  /** Writes a number beside some tokens, by their steps, in place of those before. */
  number(of: ReadonlyMap<number, string>): void {
    this.numbers = of;
    this.schedule();
  }

  /** Scrolls to the newest text and stays there. */
  follow(): void {
    this.setFollowing(true);
    this.root.scrollTop = this.root.scrollHeight;
  }

  /** Removes listeners and pending frames. */
  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.root.removeEventListener('pointerover', this.onOver);
    this.root.removeEventListener('pointerleave', this.onLeave);
    this.root.removeEventListener('click', this.onClick);
    this.root.removeEventListener('scroll', this.onScroll);
  }

  private schedule(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.flush());
  }

  private flush(): void {
    this.frame = 0;
    const { answer } = this;
    if ((answer?.number ?? -1) !== this.answerNumber) this.clear(answer);
    if (answer !== null) {
      this.cards.forEach((card, i) => {
        this.drawCard(answer, card, i);
      });
      while (this.views.length > this.cards.length) this.views.pop()?.element.remove();
      this.tint(answer);
    }
    this.applyMark();
    this.applyNumbers();
    if (this.reveal) this.scrollToMark();
    else if (this.following && this.grew) this.root.scrollTop = this.root.scrollHeight;
    this.reveal = false;
    this.grew = false;
  }

  private clear(answer: Answer | null): void {
    this.root.replaceChildren();
    this.views = [];
    this.answerNumber = answer?.number ?? -1;
    this.numbered = new Map();
    this.tinted = 0;
    this.marked = null;
    this.setFollowing(true);
  }

  private drawCard(answer: Answer, card: Card, index: number): void {
    let view = this.views[index];
    const moved =
      view &&
      (view.card.start !== card.start ||
        view.card.kind !== card.kind ||
        view.card.bodyStart !== card.bodyStart);
    if (view === undefined || moved) {
      for (const stale of this.views.splice(index)) stale.element.remove();
      view = this.createCard(card, index);
      this.views.push(view);
      this.root.append(view.element);
    }
    view.element.toggleAttribute('data-open', !card.closed);
    this.appendPieces(view, card, answer);
    view.card = card;
  }

  private createCard(card: Card, index: number): CardView {
    const element = make('section', `card card-${card.kind}`);
    element.dataset.kind = card.kind;
    const header = document.createElement('button');
    header.type = 'button';
    header.className = 'card-head';
    header.dataset.card = String(index);
    const title = make('span', 'card-title');
    title.textContent = COPY.segments[card.kind];
    header.append(iconElement(card.kind === 'back' ? 'eye' : card.kind), title);
    header.setAttribute('aria-label', COPY.stream.selectCard(COPY.segments[card.kind]));
    let line: SVGPolylineElement | null = null;
    if (card.kind === 'back') {
      const spark = sparkline();
      line = spark.line;
      header.append(spark.svg);
    }
    const meta = make('p', 'card-meta');
    const text = make('p', 'card-text');
    element.append(header, text);
    if (card.kind === 'back') element.append(meta);
    return { element, text, meta, line, pieces: [], card };
  }

  /** Appends what is new; the last piece is written again, as its token may have grown into or out of a tag. */
  private appendPieces(view: CardView, card: Card, answer: Answer): void {
    const last = view.pieces.at(-1);
    if (last !== undefined && last.to >= card.end && view.card.bodyEnd === card.bodyEnd) return;
    // A closing tag recognised late turns the last pieces of the body into a tag.
    let at = card.start;
    while (view.pieces.length > 0) {
      const piece = view.pieces.at(-1) as Piece;
      at = piece.from;
      piece.element.remove();
      view.pieces.pop();
      if (piece.from < Math.min(card.bodyEnd, view.card.bodyEnd)) break;
    }
    let index = stepAt(answer.steps, at);
    while (at < card.end && index < answer.steps.length) {
      const step = answer.steps[index] as Step;
      const stop = [card.bodyStart, card.bodyEnd, step.end, card.end].filter((x) => x > at);
      const to = Math.min(...stop);
      this.appendPiece(view, card, answer.text, { step: index, from: at, to });
      at = to;
      if (at >= step.end) index += 1;
    }
  }

  private appendPiece(view: CardView, card: Card, text: string, piece: Omit<Piece, 'element'>): void {
    const isTag = piece.to <= card.bodyStart || piece.from >= card.bodyEnd;
    const element = make('span', isTag ? 'token tag' : 'token');
    let content = text.slice(piece.from, piece.to);
    if (piece.from === card.bodyStart || piece.from === card.start) content = content.replace(/^\s+/, '');
    element.textContent = content;
    element.dataset.step = String(piece.step);
    const share = this.answer?.steps[piece.step]?.shares?.image;
    if (share !== undefined) element.style.setProperty('--share', share.toFixed(3));
    if (this.marked !== null && piece.step >= this.marked.from && piece.step <= this.marked.to) {
      element.classList.add('marked');
    }
    view.text.append(element);
    this.grew = true;
    view.pieces.push({ ...piece, element });
  }

  private piecesOf(from: number, to: number): Piece[] {
    const found: Piece[] = [];
    for (const view of this.views) {
      if (view.card.toStep < from || view.card.fromStep > to) continue;
      for (const piece of view.pieces) if (piece.step >= from && piece.step <= to) found.push(piece);
    }
    return found;
  }

  /** Underlines newly recorded tokens by their share of attention on the image, and updates the sparklines. */
  private tint(answer: Answer): void {
    const known = recordedSteps(answer);
    if (known === this.tinted) return;
    for (const { element, step } of this.piecesOf(this.tinted, known - 1)) {
      element.style.setProperty('--share', (answer.steps[step]?.shares?.image ?? 0).toFixed(3));
    }
    this.tinted = known;
    let top = 0.1;
    for (const step of answer.steps) top = Math.max(top, step.shares?.image ?? 0);
    for (const view of this.views) if (view.line !== null) this.drawSparkline(view, answer, top);
  }

  private drawSparkline(view: CardView, answer: Answer, top: number): void {
    const { fromStep, toStep } = view.card;
    const values = answer.steps.slice(fromStep, toStep).flatMap((step) => step.shares?.image ?? []);
    const points = values.map((value, i) => {
      const x = values.length === 1 ? 50 : (i / (values.length - 1)) * 100;
      return `${x.toFixed(1)},${(23 - (value / top) * 22).toFixed(1)}`;
    });
    view.line?.setAttribute('points', points.join(' '));
    // Below the text, where it would be pushed down with each line: it comes when the text is complete.
    if (!view.card.closed && answer.status !== 'finished') return;
    const mean = meanShares(answer.steps, { from: fromStep, to: toStep - 1 });
    view.meta.textContent =
      mean === null ? '' : COPY.stream.share(percent(mean.image), percent(Math.max(...values)));
  }

  private applyMark(): void {
    const { marked, wanted } = this;
    if (marked?.from === wanted?.from && marked?.to === wanted?.to) return;
    if (marked !== null) {
      for (const piece of this.piecesOf(marked.from, marked.to)) piece.element.classList.remove('marked');
    }
    if (wanted !== null) {
      for (const piece of this.piecesOf(wanted.from, wanted.to)) piece.element.classList.add('marked');
    }
    this.marked = wanted;
  }

  private applyNumbers(): void {
    if (this.numbered === this.numbers) return;
    for (const step of this.numbered.keys()) {
      for (const piece of this.piecesOf(step, step)) delete piece.element.dataset.number;
    }
    for (const [step, text] of this.numbers) {
      // A token in two pieces, as at the end of a tag, carries it once.
      const piece = this.piecesOf(step, step).at(-1);
      if (piece !== undefined) piece.element.dataset.number = text;
    }
    this.numbered = this.numbers;
  }

  private scrollToMark(): void {
    const first =
      this.wanted === null ? undefined : this.piecesOf(this.wanted.from, this.wanted.to)[0]?.element;
    if (first === undefined) return;
    const box = this.root.getBoundingClientRect();
    const token = first.getBoundingClientRect();
    if (token.top < box.top + 40) this.root.scrollTop -= box.top + 40 - token.top;
    else if (token.bottom > box.bottom - 24) this.root.scrollTop += token.bottom - box.bottom + 24;
  }

  private setFollowing(value: boolean): void {
    if (this.following === value) return;
    this.following = value;
    this.callbacks.following(value);
  }

  private stepOf(target: EventTarget | Node | null): number | null {
    const element = target instanceof Element ? target : target instanceof Node ? target.parentElement : null;
    const step = element?.closest<HTMLElement>('[data-step]')?.dataset.step;
    return step === undefined ? null : Number(step);
  }

  private readonly onOver = (event: PointerEvent): void => {
    const step = this.stepOf(event.target);
    if (step !== null) this.callbacks.hover({ from: step, to: step });
    else this.callbacks.hover(null);
  };

  private readonly onLeave = (): void => this.callbacks.hover(null);

  /** A click pins the token; text selected by dragging pins its tokens as a range, and stays copyable. */
  private readonly onClick = (event: MouseEvent): void => {
    const head = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-card]') : null;
    if (head !== null) {
      this.callbacks.pinCard(Number(head.dataset.card));
      return;
    }
    const selected = document.getSelection();
    if (selected !== null && !selected.isCollapsed && this.root.contains(selected.anchorNode)) {
      const from = this.stepOf(selected.anchorNode);
      const to = this.stepOf(selected.focusNode);
      if (from !== null && to !== null) this.callbacks.pinRange(from, to);
      return;
    }
    const step = this.stepOf(event.target);
    if (step !== null) this.callbacks.pin(step);
  };

  private readonly onScroll = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.root;
    this.setFollowing(scrollHeight - scrollTop - clientHeight < STICKY);
  };
}
