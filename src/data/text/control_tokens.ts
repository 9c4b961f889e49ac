// Tells the control tokens that a chat template writes from the same spelling in a text that somebody typed: marks both
// while a conversation is rendered, and leaves only the template's for the tokenizer to recognise.
// The marks are halves of surrogate pairs, alone: no well-formed text holds one, so that nothing typed can imitate them.

/** An added token as tokenizer.json lists it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

/** Before a control token of the template: no text has the first half of a pair before anything but the second. */
const OPEN = '\ud800';
/** After one, and inside a typed one: no text has the second half after anything but the first. */
const CLOSE = '\udc00';
const SURROGATE = /\p{Surrogate}/gu;

/** Whether an added token steers a conversation: a special one, or one spelled as `<|…|>`; `<think>` is plain text. */
export function isControl({ content, special }: AddedToken): boolean {
  return special || /^<\|.*\|>$/.test(content);
}

/** Text as UTF-8 would carry it: a surrogate without its other half becomes U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(SURROGATE, '\ufffd');
}

/** The control tokens of one tokenizer, and the marks that tell who wrote them. */
export class ControlTokens {
  readonly #contents: readonly string[];
  readonly #pattern: RegExp;
  readonly #starts: RegExp;

  constructor(tokens: readonly AddedToken[]) {
    // The longest first, as the tokenizer itself chooses.
    this.#contents = tokens
      .map(({ content }) => content)
      .filter((content) => content !== '')
      .sort((a, b) => b.length - a.length);
    const escaped = this.#contents.map(escapePattern);
    // With the flag u, half a pair matches only where it is alone.
    this.#pattern = new RegExp([...escaped, CLOSE].join('|'), 'gu');
    const firsts = new Set(this.#contents.map(([first = '']) => escapePattern(first)));
    this.#starts = firsts.size === 0 ? /(?!)/gu : new RegExp([...firsts].join('|'), 'gu');
  }

  /** The spelling under which the tokenizer knows a control token. */
  static marked(content: string): string {
    return OPEN + content + CLOSE;
  }

  /**
   * Text that somebody typed, with every control token in it broken by a mark. One that only begins at the end of the
   * text is broken, too: what follows in the template could complete it.
   */
  guard(text: string): string {
    const whole = wellFormed(text);
    return whole.replace(this.#starts, (first, at: number) => {
      const begins = this.#contents.some(
        (content) =>
          whole.startsWith(content, at) ||
          (whole.length - at < content.length && content.startsWith(whole.slice(at))),
      );
      return begins ? first + CLOSE : first;
    });
  }

  /** A rendered conversation with the template's own control tokens marked, and guarded text as it was typed. */
  mark(rendered: string): string {
    return rendered.replace(this.#pattern, (found) => (found === CLOSE ? '' : ControlTokens.marked(found)));
  }

  /** Text without marks. */
  static unmark(text: string): string {
    return text.replace(SURROGATE, '');
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
