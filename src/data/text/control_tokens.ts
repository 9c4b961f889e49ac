// Tells the control tokens that a chat template writes from the same spelling in a text that somebody typed: marks both
// while a conversation is rendered, and leaves only the template's for the tokenizer to recognise.
// The mark is a lone surrogate, which no well-formed text holds, so that nothing typed can imitate it.

/** An added token as tokenizer.json lists it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

const MARK = '\udc00';
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
    this.#contents = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
    const escaped = this.#contents.map(escapePattern);
    this.#pattern = new RegExp([...escaped, MARK].join('|'), 'g');
    const firsts = new Set(this.#contents.map((content) => escapePattern(content.slice(0, 1))));
    this.#starts = firsts.size === 0 ? /(?!)/g : new RegExp([...firsts].join('|'), 'g');
  }

  /** The spelling under which the tokenizer knows a control token. */
  static marked(content: string): string {
    return MARK + content + MARK;
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
      return begins ? first + MARK : first;
    });
  }

  /** A rendered conversation with the template's own control tokens marked, and guarded text as it was typed. */
  mark(rendered: string): string {
    return rendered.replace(this.#pattern, (found) => (found === MARK ? '' : ControlTokens.marked(found)));
  }

  /** Text without marks. */
  static unmark(text: string): string {
    return text.replaceAll(MARK, '');
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
