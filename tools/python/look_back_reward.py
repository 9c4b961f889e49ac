"""Scores completions as Look-Back's trainer does: accuracy, format, format_paper and length, each equal to its
TypeScript original (src/lookback/rewards.ts, src/answer/). One file without dependencies, so that it can be copied
beside a training job; TRL's and EasyR1's interfaces are at its end. Time is linear in a completion's length.

Letters, numbers and NFKC are those of Python's own Unicode tables: a character that a browser's newer tables know and
Python's do not may be read otherwise.

Sources: Look-Back, arXiv 2507.03019, eq. 3-4; mathruler 0.1.0 grader.py; DAPO, arXiv 2503.14476, eq. 13.
"""

import json
import re
import sys
import unicodedata
from bisect import bisect_left, bisect_right
from math import gcd

# ---------------------------------------------------------------------------------------------------------------------
# Characters as JavaScript sees them
# ---------------------------------------------------------------------------------------------------------------------


def _ranges(belongs):
    """The inside of a character class: the characters that belong, by ranges."""
    ranges, start = [], None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and belongs(chr(code))
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            ranges.append("\\U%08x-\\U%08x" % (start, code - 1))
            start = None
    return "".join(ranges)


# Python's `w` class holds letters, numbers and `_`, and its `d` the decimal digits: letters are what the others leave.
_OTHER_NUMBERS = _ranges(lambda char: char.isalnum() and not char.isalpha() and not char.isdecimal())
_LETTER = r"(?u-i:[^\W\d_" + _OTHER_NUMBERS + "])"
_NUMBER = r"(?u-i:[\d" + _OTHER_NUMBERS + "])"
# What JavaScript's `trim` and its pattern for white space take off.
SPACES = "\t\n\x0b\x0c\r \xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"


def _re(pattern, ignore_case=False):
    """A pattern in which `@L` is a letter and `@N` a number; case, where it is ignored, is that of ASCII."""
    flags = re.IGNORECASE | re.ASCII if ignore_case else 0
    return re.compile(pattern.replace("@L", _LETTER).replace("@N", _NUMBER), flags)


def _trim(text):
    return text.strip(SPACES)


def _length(text):
    """Length in UTF-16 units, in which limits count."""
    return len(text) + sum(1 for char in text if char > "\uffff")


# ---------------------------------------------------------------------------------------------------------------------
# The grammar of an answer
# ---------------------------------------------------------------------------------------------------------------------

BOX_OPENING = "\\boxed{"
_TAG = re.compile("</?(?:think|back)>")
_BRACE = re.compile(r"\\boxed\{|[{}]")


def read_box(text):
    """(start, end) of the content of the last balanced box, or None. Of nested boxes the inner one wins."""
    best, opened = None, []
    for mark in _BRACE.finditer(text):
        if mark.group() == "}":
            start = opened.pop() if opened else -1
            if start > (best[0] if best else -1):
                best = (start, mark.start())
        else:
            opened.append(mark.end() if mark.group() == BOX_OPENING else -1)
    return best


def read_answer(text):
    """Content of the last box, trimmed; None when there is no box or nothing in it."""
    box = read_box(text)
    return (_trim(text[box[0] : box[1]]) or None) if box else None


def _pieces(text):
    """(tag or None, start, end) of tags and of the text between them, white space alone left out."""
    pieces, at = [], 0
    for mark in _TAG.finditer(text):
        if _trim(text[at : mark.start()]):
            pieces.append((None, at, mark.start()))
        pieces.append((mark.group(), mark.start(), mark.end()))
        at = mark.end()
    if _trim(text[at:]):
        pieces.append((None, at, len(text)))
    return pieces


def _is_closing(text):
    """Whether nothing but white space and at most six closers of a formula or a sentence is left."""
    rest, count = _trim(text), 0
    while rest:
        closer = next((mark for mark in ("\\]", "\\)", "$", "*", "_", ".", "。") if rest.startswith(mark)), None)
        if closer is None or count == 6:
            return False
        rest, count = rest[len(closer) :].lstrip(SPACES), count + 1
    return True


def _read_block(text, pieces, at, name):
    """(name, start, end) of a closed block with content, or None."""
    trio = pieces[at : at + 3]
    if len(trio) < 3 or [trio[0][0], trio[1][0], trio[2][0]] != ["<%s>" % name, None, "</%s>" % name]:
        return None
    _, start, end = trio[1]
    return None if name == "back" and BOX_OPENING in text[start:end] else (name, start, end)


def _tail_is_whole(text, pieces, at, box):
    if at >= len(pieces) or at + 1 < len(pieces):
        return False
    if box is None or box[0] < pieces[at][1] or not _trim(text[box[0] : box[1]]):
        return False
    return _is_closing(text[box[1] + 1 :])


def read_form(text):
    """('back' | 'cot' | 'none', blocks)."""
    pieces, box, blocks = _pieces(text), read_box(text), []
    while True:
        at = 3 * len(blocks)
        name = "think" if len(blocks) % 2 == 0 else "back"
        tag = pieces[at][0] if at < len(pieces) else None
        if name == "back" and tag != "<back>":
            if tag is not None or not _tail_is_whole(text, pieces, at, box):
                return "none", []
            return ("back" if len(blocks) > 1 else "cot"), blocks
        block = _read_block(text, pieces, at, name)
        if block is None:
            return "none", []
        blocks.append(block)


# ---------------------------------------------------------------------------------------------------------------------
# Format
# ---------------------------------------------------------------------------------------------------------------------

COT_TIER = 0.667
MIN_BACK_TOKENS = 8
MAX_BACKS = 4
_PAPER_BACK = ("<think>", "</think><back>", "</back><think>", "</think>", BOX_OPENING, "}")
_PAPER_COT = ("<think>", "</think>", BOX_OPENING, "}")
_NO_WORD = re.compile(r"[\W_]+")


def _tighten_tags(text):
    parts = re.split("([<>/])", text)
    if len(parts) == 1:
        return text
    return "".join([parts[0].rstrip(SPACES)] + [_trim(part) for part in parts[1:-1]] + [parts[-1].lstrip(SPACES)])


def _in_order(text, literals):
    if not text.startswith(literals[0]):
        return False
    at = len(literals[0])
    for literal in literals[1:]:
        found = text.find(literal, at)
        if found < 0:
            return False
        at = found + len(literal)
    return True


def paper_format(text):
    """1, 0.667 or 0 by the paper's permissive form; an empty look back earns 1."""
    tight = _tighten_tags(text)
    if _in_order(tight, _PAPER_BACK):
        return 1
    return COT_TIER if _in_order(tight, _PAPER_COT) else 0


def _bare_words(text):
    return _NO_WORD.sub(" ", text.lower()).strip(" ")


def _contains(whole, part):
    """Whether `whole` holds `part`, in linear time whatever repeats (Knuth, Morris and Pratt 1977)."""
    if len(part) > len(whole):
        return False
    if part == "":
        return True
    border, k = [0] * len(part), 0
    for i in range(1, len(part)):
        while k > 0 and part[i] != part[k]:
            k = border[k - 1]
        if part[i] == part[k]:
            k += 1
        border[i] = k
    k = 0
    for char in whole:
        while k > 0 and char != part[k]:
            k = border[k - 1]
        if char == part[k]:
            k += 1
        if k == len(part):
            return True
    return False


def _has_back_trace(text):
    """Whether a text holds a back tag in any spelling: spaced, in capitals, or cut short."""

    def skip(at):
        while at < len(text) and text[at] in SPACES:
            at += 1
        return at

    start = text.find("<")
    while start >= 0:
        at = skip(start + 1)
        if text[at : at + 1] == "/":
            at = skip(at + 1)
        if text[at : at + 4].lower() == "back":
            return True
        start = text.find("<", start + 1)
    return False


def _is_hollow(text, blocks, count_tokens):
    """Whether a look back is too short, holds no word, or only repeats a thought before it."""
    thoughts = []
    for name, start, end in blocks:
        content = text[start:end]
        words = _bare_words(content)
        if name == "think":
            thoughts.append(words)
            continue
        first = start + len(content) - len(content.lstrip(SPACES))
        last = start + len(content.rstrip(SPACES))
        if count_tokens(first, last) < MIN_BACK_TOKENS or words == "":
            return True
        if any(_contains(thought, words) for thought in thoughts):
            return True
    return False


def strict_format(text, finished, count_tokens):
    """1, 0.667 or 0 by the strict form. `count_tokens(start, end)` counts the tokens that wrote text[start:end]."""
    if not finished:
        return 0
    form, blocks = read_form(text)
    if form == "none":
        return 0
    if form == "cot":
        return 0 if _has_back_trace(text) else COT_TIER
    if sum(1 for name, _, _ in blocks if name == "back") > MAX_BACKS:
        return 0
    return 0 if _is_hollow(text, blocks, count_tokens) else 1


# ---------------------------------------------------------------------------------------------------------------------
# One spelling
# ---------------------------------------------------------------------------------------------------------------------

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-"))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
_MAX_NESTING = 4


def _vulgar(match):
    before = "" if match[1] is None else match[1] + " "
    return before + unicodedata.normalize("NFKC", match[2]) + " "


_BEFORE_NFKC = (
    (_re("[⁰¹²³⁴-⁹⁺⁻]+"), lambda m: "^{" + "".join(_SUPERSCRIPTS[c] for c in m[0]) + "}"),
    (_re("[₀-₉]+"), lambda m: "_{" + "".join(_SUBSCRIPTS[c] for c in m[0]) + "}"),
    (_re("([0-9])?([¼-¾⅐-⅞↉])"), _vulgar),
    (_re("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]"), lambda m: ""),
    (_re("([0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))"), lambda m: m[1]),
    (_re("[º˚]"), lambda m: "°"),
)
_AFTER_NFKC = (
    (_re("[\u2010-\u2015\u2212]"), lambda m: "-"),
    (_re("[‘’′]"), lambda m: "'"),
    (_re("[“”″]"), lambda m: '"'),
    (_re("[×⨯✕·⋅∙∗]"), lambda m: "*"),
    (_re("÷"), lambda m: "/"),
    (_re("[。]"), lambda m: "."),
    (_re("[⩽≦]"), lambda m: "≤"),
    (_re("[⩾≧]"), lambda m: "≥"),
    (_re("√ ?([0-9]+(?:\\.[0-9]+)?|@L)"), lambda m: "\\sqrt{" + m[1] + "}"),
    (_re("√ ?(?=\\()"), lambda m: "\\sqrt"),
)


def _fold_unicode(text):
    for pattern, replacement in _BEFORE_NFKC:
        text = pattern.sub(replacement, text)
    text = unicodedata.normalize("NFKC", text)
    for pattern, replacement in _AFTER_NFKC:
        text = pattern.sub(replacement, text)
    return text


_GREEK = "alpha α beta β gamma γ delta δ theta θ lambda λ mu μ rho ρ sigma σ tau τ phi φ omega ω".split(" ")


def _constant(text):
    return lambda match: text


_MACROS = tuple(
    (_re(pattern, ignore), replacement if callable(replacement) else _constant(replacement))
    for pattern, ignore, replacement in (
        (r"\\(?:left|right|displaystyle|limits)(?![a-z])", True, ""),
        (r"([0-9]) ?(?:,\\! ?|\{,\}|\\,)(?=[0-9]{3}(?![0-9]))", False, lambda m: m[1]),
        (r"\\!", False, ""),
        (r"\\[,;: ]|\\q?quad(?![a-z])|(?<=[0-9])~(?=@L)", True, " "),
        (r"\^ ?(?:\\circ|\{ ?\\circ ?\})|\\(?:degree|deg)(?![a-z])", True, "°"),
        (r"\\pi(?![a-z])|[πΠϖ]", True, "pi"),
        (r"\\infty(?![a-z])", False, "∞"),
        (r"\\pm(?![a-z])", False, "±"),
        (r"\\(?:times|cdot)(?![a-z])", False, "*"),
        (r"\\div(?![a-z])", False, "/"),
        (r"\\(?:leq|le)(?![a-z])|<=", False, "≤"),
        (r"\\(?:geq|ge)(?![a-z])|>=", False, "≥"),
        (r"\\lt(?![a-z])", False, "<"),
        (r"\\gt(?![a-z])", False, ">"),
        (r"\\(?:neq|ne)(?![a-z])|!=", False, "≠"),
        (r"\\approx(?![a-z])", False, "≈"),
        (r"\\cup(?![a-z])", False, "∪"),
        (r"\\cap(?![a-z])", False, "∩"),
        (r"\\(?:\{|lbrace(?![a-z]))", False, "⦃"),
        (r"\\(?:\}|rbrace(?![a-z]))", False, "⦄"),
        (r"\\([%$&#_])", False, lambda m: m[1]),
        (r"\\[dtc]frac(?![a-z])", False, "\\frac"),
        (r"\\frac ?([0-9]) ?([0-9])", False, lambda m: "\\frac{" + m[1] + "}{" + m[2] + "}"),
        (r"\\sqrt ?([0-9a-z])", True, lambda m: "\\sqrt{" + m[1] + "}"),
        (r"\\sqrt ?(?=\()", False, "sqrt"),
        (r"\\(sin|cos|tan|log|ln)(?![a-z])", False, lambda m: m[1]),
        *(("\\\\" + name + "(?![a-z])", False, sign) for name, sign in zip(_GREEK[::2], _GREEK[1::2])),
    )
)
_WORDS_MACRO = _re(
    r"([0-9])?\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|boxed|operatorname) ?\{([^{}]*)\}"
)
_SQRT_MACRO = _re(r"\\sqrt ?\{([^{}]*)\}")
_FRAC_MACRO = _re(r"\\frac ?\{([^{}]*)\} ?\{([^{}]*)\}")
_SCRIPT = _re(r"([\^_]) ?\{([^{}]*)\}")
_WHOLE = _re(r"-?[0-9]+\Z")
_PLAIN_SCRIPT = _re(r"(?:[-+]?[0-9]+|@L)\Z")


def _script(match):
    tidy = _trim(match[2])
    return match[1] + tidy if _PLAIN_SCRIPT.match(tidy) else match[1] + "(" + tidy + ")"


def _fraction(match):
    over, under = _trim(match[1]), _trim(match[2])
    if _WHOLE.match(over) and _WHOLE.match(under):
        return " " + over + "\u2044" + under + " "
    return "((" + over + ")/(" + under + "))"


def _plain_latex(text):
    for pattern, replacement in _MACROS:
        text = pattern.sub(replacement, text)
    for _ in range(_MAX_NESTING):
        if not any(mark in text for mark in "\\^_"):
            break
        text = _WORDS_MACRO.sub(lambda m: m[2] if m[1] is None else m[1] + " " + m[2], text)
        text = _SCRIPT.sub(_script, text)
        text = _SQRT_MACRO.sub(lambda m: "sqrt(" + _trim(m[1]) + ")", text)
        text = _FRAC_MACRO.sub(_fraction, text)
    return text.replace("⦃", "{").replace("⦄", "}")


_DELIMITERS = (
    ("$$", "$$"),
    ("$", "$"),
    ("\\(", "\\)"),
    ("\\[", "\\]"),
    ("**", "**"),
    ("*", "*"),
    ("`", "`"),
    ('"', '"'),
    ("'", "'"),
    ("«", "»"),
)
_STOP = _re(r" ?[.,;:]\Z")
_SHOUT = _re(r"(?<=@L)!\Z")
_STRONG = _re(r"\*\*([^*]*)\*\*")
_PHRASE = _re(
    r"(?:(?:so|thus|therefore|hence),? )?(?:the |my )?(?:(?:final|correct) )?(?:answer|result|solution)"
    r"(?: is(?: :|:)?| ?[:=]) ?",
    True,
)
_EQUALS = _re("= ?")
_RUN_OF_SPACE = re.compile("[" + SPACES + "]+")


def _strip_delimiters(text):
    for opening, closing in _DELIMITERS:
        inner = text[len(opening) : -len(closing)]
        if len(text) > len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
            if opening not in inner and closing not in inner:
                return _trim(inner)
    return text


def _without_start(pattern, text, replacement=""):
    match = pattern.match(text)
    return text if match is None else (match[1] if replacement is None else replacement) + text[match.end() :]


def _unwrap(text):
    plain = _RUN_OF_SPACE.sub(" ", _trim(text))
    for _ in range(_MAX_NESTING):
        following = _strip_delimiters(_trim(_SHOUT.sub("", _STOP.sub("", plain, count=1), count=1)))
        bare = _without_start(_STRONG, following, None)
        bare = _without_start(_EQUALS, _without_start(_PHRASE, bare))
        if bare == plain:
            break
        plain = _trim(bare)
    return plain


def fold_answer(answer):
    """An answer in one spelling, its case kept."""
    return _unwrap(_plain_latex(_unwrap(_fold_unicode(answer))))


_KEY_STEPS = (
    (_re("\u2044"), lambda m: "/"),
    (_re(" ?([=<>≤≥≠≈+*/^;:|±∪∩]) ?"), lambda m: m[1]),
    (_re("(?<=[0-9]) ?, (?=[0-9])"), lambda m: "; "),
    (_re(" ?, ?"), lambda m: ","),
    (_re("(?<! ) - (?! )"), lambda m: "-"),
    (_re(" - "), lambda m: "-"),
    (_re(r"([(\[{]) "), lambda m: m[1]),
    (_re(r" ([)\]}])"), lambda m: m[1]),
)
_ARTICLE = _re("(?:the|an?) (?=@L{2})")


def text_key(folded):
    """The key under which folded texts are equal."""
    text = folded.lower()
    for pattern, replacement in _KEY_STEPS:
        text = pattern.sub(replacement, text)
    return _without_start(_ARTICLE, text)


# ---------------------------------------------------------------------------------------------------------------------
# Choices, yes and no, times
# ---------------------------------------------------------------------------------------------------------------------

_CHOICE = _re(
    r"(?:(?:option|choice|answer):? ?)?(?:[(\[](?P<inside>[a-z])[)\]][.:]?|(?P<before>[a-z])(?P<sign>[.):]| -|\Z))"
    r"(?P<rest> .*)?\Z",
    True,
)
_BARE_LETTER = _re(r"(?:(?:option|choice|answer):? ?)?[(\[]?(?P<letter>[a-z])[)\]]?[.:]?\Z", True)
_OTHER_OPTION = _re(r"(?:^|[ ,;/])(?:[(\[][a-z][)\]]|[a-z][.):](?: |\Z))", True)
_ONLY_LETTERS = _re(r"[a-z](?:[ ,;./&]+(?:(?:and|or) )?[a-z])*\Z", True)
_TAKEN_BACK = _re(
    r"^ ?(?:or|and|nor|&|/)(?!@L)|(?:^| )(?:is|are|was)(?: not|n't)? (?:not|wrong|incorrect|false)(?!@L)"
    r"|(?:^| )(?:wrong|incorrect)\Z|(?:^| )(?:isn't|is not)(?!@L)",
    True,
)
_DASH_WORD = _re("@L{2,}|@L @L")


def read_choice(folded):
    """(letter, words behind it) of the option that a text chooses, or None."""
    bare = _BARE_LETTER.match(folded)
    if bare:
        return bare["letter"].lower(), ""
    match = _CHOICE.match(folded)
    if match is None:
        return None
    words = _trim(match["rest"] or "")
    letter = match["inside"] if match["inside"] is not None else match["before"]
    if letter is None or words == "":
        return None
    if _OTHER_OPTION.search(words) or _ONLY_LETTERS.match(words) or _TAKEN_BACK.search(words):
        return None
    if match["sign"] == " -" and not _DASH_WORD.match(words):
        return None
    return letter.lower(), words


_YES_OR_NO = _re("(?P<word>yes|yeah|yep|yup|no|nope|nah|true|false)(?!@L|@N|['’-])", True)
_MEANS = {"yeah": "yes", "yep": "yes", "yup": "yes", "nope": "no", "nah": "no"}
_OPPOSITE = {"yes": "no", "no": "yes", "true": "false", "false": "true"}
_SAYS = {word: _re("(?<!@L)" + word + "(?!@L)") for word in ("yes", "true", "false")}
_SAYS["no"] = _re(r"(?<!@L)no(?: ?[.,;:!?/)]|\Z)|(?:or|and|mean|actually|rather|wait,?) no(?!@L)")


def read_yes_no(folded):
    """yes, no, true or false, with which a text begins; None for another beginning and for texts that say both."""
    text = folded.lower()
    match = _YES_OR_NO.match(text)
    if match is None:
        return None
    meant = _MEANS.get(match["word"], match["word"])
    return None if _SAYS[_OPPOSITE[meant]].search(text[match.end("word") :]) else meant


_TIME = _re(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?(?: ?(?P<half>[ap])\.?m\.?)?\Z"
    r"|(?P<bare>[0-9]{1,2}) ?(?P<bareHalf>[ap])\.?m\.?\Z",
    True,
)


def time_key(folded):
    """The key under which times of day are equal; None for what is none."""
    match = _TIME.match(folded)
    if match is None:
        return None
    half = match["half"] if match["half"] is not None else match["bareHalf"]
    hour = int(match["hour"] if match["hour"] is not None else match["bare"])
    rest = (match["minute"] or "00") + ("" if match["second"] is None else ":" + match["second"])
    if half is not None:
        if hour < 1 or hour > 12:
            return None
        return "day %d:%s" % (hour % 12 + (12 if half.lower() == "p" else 0), rest)
    if hour > 23:
        return None
    return "%s %d:%s" % ("day" if hour > 12 or hour == 0 else "clock", hour, rest)


# ---------------------------------------------------------------------------------------------------------------------
# Units
# ---------------------------------------------------------------------------------------------------------------------

_NAMES = {
    "%": ["percent", "per cent", "pct"],
    "°": ["degree", "deg"],
    "°c": ["degree celsius", "celsius", "degrees celsius", "degree c", "degrees c"],
    "°f": ["degree fahrenheit", "fahrenheit", "degrees fahrenheit", "degree f", "degrees f"],
    "$": ["dollar", "usd", "us dollar", "us$", "buck"],
    "€": ["euro", "eur"],
    "£": ["gbp", "pound sterling"],
    "¥": ["yen", "yuan", "rmb", "jpy", "cny"],
    "¢": ["cent"],
    "mm": ["millimeter", "millimetre"],
    "cm": ["centimeter", "centimetre"],
    "dm": ["decimeter", "decimetre"],
    "m": ["meter", "metre"],
    "km": ["kilometer", "kilometre"],
    "nm": ["nanometer", "nanometre"],
    "μm": ["micrometer", "micrometre", "micron", "um"],
    "in": ["inch", "inches"],
    "ft": ["foot", "feet"],
    "yd": ["yard"],
    "mi": ["mile"],
    "mg": ["milligram"],
    "g": ["gram", "gramme"],
    "kg": ["kilogram", "kilo", "kgs"],
    "oz": ["ounce"],
    "lb": ["lbs", "pound"],
    "ms": ["millisecond", "msec"],
    "s": ["second", "sec", "secs"],
    "min": ["minute", "mins"],
    "h": ["hour", "hr", "hrs"],
    "ml": ["milliliter", "millilitre"],
    "l": ["liter", "litre"],
    "n": ["newton"],
    "j": ["joule"],
    "kj": ["kilojoule"],
    "w": ["watt"],
    "kw": ["kilowatt"],
    "v": ["volt"],
    "a": ["ampere", "amp"],
    "pa": ["pascal"],
    "kpa": ["kilopascal"],
    "hz": ["hertz"],
    "ω": ["ohm"],
    "rad": ["radian"],
    "px": ["pixel"],
    "unit": ["units"],
    "pt": ["point", "pts"],
    "km/h": ["kmh", "kph", "km per hour"],
    "mi/h": ["mph"],
}
_SYMBOLS = (
    "khz mhz ghz mol cal kcal ev kev mev bar atm kwh wh mw gw mv kv ma db ha kb mb gb tb rpm bpm fps kω cc fl"
).split(" ")
_BY_NAME = {
    name: symbol
    for symbol, names in _NAMES.items()
    for name in [symbol, *names, *(name + "s" for name in names)]
}
_KNOWN = {*_BY_NAME.values(), *_SYMBOLS}
_UNIT_LETTERS = _re(r" [mgshlLNJWV](?:\Z|[/^*2-3])")
_CASED = _re(r"[mMpP](?:m|w|wh|pa|hz|v|a|j|g|s|n|l|[ωΩ]|ev|mol|t|cal)\Z", True)
_CHANGING = set(
    (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand "
        "thousands million millions billion billions trillion trillions mil mio bn mn grand lakh lakhs crore crores "
        "dozen dozens pair pairs couple couples score scores gross half halves third thirds quarter quarters fourth "
        "fourths fifth fifths sixth sixths seventh sevenths eighth eighths ninth ninths tenth tenths hundredth "
        "hundredths thousandth thousandths double triple twice fold st nd rd th plus minus times over by divided "
        "multiplied squared cubed square cube power powers root roots factorial mod modulo choose exp log ln sin cos "
        "tan sqrt pi inf infinity or and nor not no none never neither but to through until till of out per at from "
        "than less more fewer greater most least about around between except without if else vs versus below under "
        "above beyond before after ago short extra each am pm false wrong incorrect remainder base negative positive "
        "unknown undefined is are was were equals equal maybe perhaps possibly unless instead rather approximately "
        "roughly nearly almost ish xor percentage logs radicals ppm bps mod div xx xy yx ab bc ac"
    ).split(" ")
)
_PLAIN_WORD = _re(r"@L{2,}\Z")
_SQUARE = _re(r"(?:square|sq\.?) (.+)\Z", True)
_CUBIC = _re(r"(?:cubic|cu\.?) (.+)\Z", True)
_FACTOR = _re(r"(.*?[^0-9])\^?(-?[1-9])?\Z")
_LETTER_STOP = _re(r"(?<=@L)\.\Z")
_BITS = _re(r"[KMGTP]b\Z")
_BETWEEN_FACTORS = _re(r"(\*|/| per )", True)
_SIGN_OF_FACTOR = _re(r"(?:\*|/|per)\Z", True)
_ONE_LETTER = _re(r"@L(?:\Z|[/^*0-9])")
_DOT = _re(r"\.\Z")
_LONG_WORD = _re(r"@L{3,}\Z")


def _is_counted(tail):
    if not tail.startswith(" "):
        return False
    words = _trim(tail).lower().split(" ")
    return len(words) <= 3 and all(_PLAIN_WORD.match(word) and word not in _CHANGING for word in words)


def _read_factor(given):
    squared = _SQUARE.sub(lambda m: m[1] + "^2", given, count=1) if _SQUARE.match(given) else given
    squared = _CUBIC.sub(lambda m: m[1] + "^3", squared, count=1) if _CUBIC.match(squared) else squared
    squared = _trim(squared)
    match = _FACTOR.match(squared)
    name, power = (match[1], match[2] or "") if match else (squared, "")
    tidy = _LETTER_STOP.sub("", _trim(name))
    lower = tidy.lower()
    symbol = _BY_NAME.get(lower, lower)
    if _BITS.match(tidy):
        key = symbol + "it"
    elif _CASED.match(tidy) and tidy[0] in "MP" and lower != "pm":
        key = tidy[0] + symbol[1:]
    else:
        key = symbol
    return key + ("" if power in ("", "1") else "^" + power), symbol in _KNOWN


def read_unit(currency, tail):
    """(key, whether the number means the same without it) of what stands before and behind a number."""
    text = _trim(tail)
    if text == "":
        return currency, True
    whole = _BY_NAME.get(_DOT.sub("", text.lower()))
    if whole is not None:
        read = [(whole, True)]
    else:
        read = []
        for part in map(_trim, _BETWEEN_FACTORS.split(text)):
            sign = _SIGN_OF_FACTOR.match(part)
            read.append(("*" if part == "*" else "/", True) if sign else _read_factor(part))
    joined = "".join(key for key, _ in read).replace(" ", "")
    key = currency if joined == currency else currency + joined
    known = all(is_known for _, is_known in read)
    droppable = known and (not _ONE_LETTER.match(text) or _UNIT_LETTERS.match(tail) is not None)
    return key, (currency == "" or joined == currency) and (droppable or _is_counted(tail))


def _equal_units(a, b):
    if a == b:
        return True
    short, long = (a, b) if len(a) < len(b) else (b, a)
    return bool(_LONG_WORD.match(short)) and long in (short + "s", short + "es")


# ---------------------------------------------------------------------------------------------------------------------
# Numbers: (numerator, denominator, unit key, droppable)
# ---------------------------------------------------------------------------------------------------------------------

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split(" ")
_NUMBER_WORD = _re(
    r"(?P<sign>(?:minus|negative) )?(?P<word>" + "|".join(_NUMBER_WORDS) + r")(?= |\Z)", True
)
_NEGATIVE = _re(r"(?:minus|negative) (?=[0-9])", True)
_US_DOLLAR = _re(r"([-+])? ?(?:US ?\$|USD ?|\$ ?US ?)(?=[0-9.])", True)
_EUR = _re(r"([-+])? ?EUR ?(?=[0-9.])", True)
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])|[0-9]+)"
_QUANTITY = _re(
    r"(?P<sign>[-+])? ?(?P<currency>[$€£¥])? ?(?P<inner>-)?(?:"
    + r"(?:(?P<whole>" + _DIGITS + r") )?(?P<top>-?" + _DIGITS + ") ?[/\u2044] ?(?P<bottom>-?" + _DIGITS + ")"
    + r"|(?P<units>" + _DIGITS + r")?(?:\.(?P<decimals>[0-9]+))?"
    + r"(?: ?[*x] ?10 ?\^ ?\(?(?P<power>[-+]?[0-9]{1,4})\)?|[eE](?P<exponent>[-+]?[0-9]{1,4}))?"
    + r")(?P<tail> ?(?:[%°$€£¥¢]|@L).*)?\Z"
)
_POWER_OF_TEN = _re(r"(?P<sign>-)? ?10 ?\^ ?\(?(?P<power>[-+]?[0-9]{1,4})\)?\Z")
_VARIABLE_TAIL = _re(r"@L(?!@L)")
_MAX_EXPONENT = 400


def _integer(digits):
    return int((digits or "0").replace(",", ""))


def _spelled(text):
    match = _NUMBER_WORD.match(text)
    if match:
        number = str(_NUMBER_WORDS.index(match["word"].lower()))
        text = ("-" if match["sign"] else "") + number + text[match.end() :]
    text = _without_start(_NEGATIVE, text, "-")
    match = _US_DOLLAR.match(text)
    if match:
        text = (match[1] or "") + "$" + text[match.end() :]
    match = _EUR.match(text)
    return text if match is None else (match[1] or "") + "€" + text[match.end() :]


def _read_value(groups):
    top, bottom = groups["top"], groups["bottom"]
    if top is None or bottom is None:
        decimals = groups["decimals"] or ""
        if groups["units"] is None and decimals == "":
            return None
        denominator = 10 ** len(decimals)
        numerator = _integer(groups["units"]) * denominator + _integer(decimals)
        power = int(groups["power"] if groups["power"] is not None else groups["exponent"] or 0)
        if abs(power) > _MAX_EXPONENT:
            return None
        factor = 10 ** abs(power)
        return (numerator, denominator * factor) if power < 0 else (numerator * factor, denominator)
    signs = sum(1 for name in ("sign", "inner") if groups[name] is not None)
    inside = sum(1 for given in (top, bottom) if given.startswith("-"))
    if inside > 0 and (groups["whole"] is not None or signs > 0):
        return None
    over, under = _integer(top), _integer(bottom)
    if under == 0:
        return None
    part, denominator = (-over, -under) if under < 0 else (over, under)
    return _integer(groups["whole"]) * denominator + part, denominator


def read_quantity(folded):
    """A folded answer as an exact number with its unit, or None."""
    ten = _POWER_OF_TEN.match(folded)
    text = _spelled(folded) if ten is None else (ten["sign"] or "") + "1e" + ten["power"]
    match = _QUANTITY.match(text)
    if match is None:
        return None
    groups = match.groupdict()
    tail = groups["tail"] or ""
    if groups["sign"] is not None and groups["inner"] is not None:
        return None
    if groups["bottom"] is not None and "\u2044" not in text and _VARIABLE_TAIL.match(tail):
        return None
    value = _read_value(groups)
    if value is None:
        return None
    negative = groups["sign"] == "-" or groups["inner"] == "-"
    key, droppable = read_unit(groups["currency"] or "", tail)
    return (-value[0] if negative else value[0]), value[1], key, droppable


def _equal_values(a, b):
    return a[0] * b[1] == b[0] * a[1]


# ---------------------------------------------------------------------------------------------------------------------
# Formulas: a sum is a list of terms (powers, top, bottom), powers a dict from symbol to exponent
# ---------------------------------------------------------------------------------------------------------------------


class _NoFormula(Exception):
    """The text is no formula that can be brought into one form."""


_FORMULA_TOKEN = _re(" ?([0-9]+(?:\\.[0-9]+)?|@L+|[-+*/^()\u2044])")
_FUNCTIONS = {"sqrt", "sin", "cos", "tan", "log", "ln"}
_VARIABLES = _re(r"[xyz]{2,3}\Z")
_LETTER_OR_CLOSE = _re(r"@L|\)")
_STARTS_FACTOR = _re(r"@L|\(")
_A_LETTER = _re(r"@L\Z")
_ONLY_DIGITS = _re(r"[0-9]+\Z")
_ASCII_DIGITS = "0123456789"


def _term(powers, top, bottom):
    if bottom == 0:
        raise _NoFormula()
    common = gcd(top, bottom) * (-1 if bottom < 0 else 1)
    top, bottom = top // common, bottom // common
    # Numbers of more bits than 200 digits have are too large whatever their signs; writing them out would be slow.
    if top.bit_length() + bottom.bit_length() > 800 or len(str(top)) + len(str(bottom)) > 200:
        raise _NoFormula()
    return powers, top, bottom


def _monomial(powers):
    return "*".join(sorted("%s^%d" % item for item in powers.items()))


def _add(terms):
    found = {}
    for powers, top, bottom in terms:
        key = _monomial(powers)
        before = found.get(key)
        if before is None:
            found[key] = _term(powers, top, bottom)
        else:
            found[key] = _term(powers, before[1] * bottom + top * before[2], before[2] * bottom)
    kept = [one for one in found.values() if one[1] != 0]
    if len(kept) > 64:
        raise _NoFormula()
    return kept


def _multiply(a, b):
    if len(a) * len(b) > 256:
        raise _NoFormula()
    terms = []
    for left_powers, left_top, left_bottom in a:
        for right_powers, right_top, right_bottom in b:
            powers = dict(left_powers)
            for symbol, exponent in right_powers.items():
                total = powers.get(symbol, 0) + exponent
                if abs(total) > 64:
                    raise _NoFormula()
                if total == 0:
                    powers.pop(symbol, None)
                else:
                    powers[symbol] = total
            terms.append(_term(powers, left_top * right_top, left_bottom * right_bottom))
    return _add(terms)


def _symbol(name, exponent=1):
    return [({name: exponent}, 1, 1)]


def _negate(total):
    return [(powers, -top, bottom) for powers, top, bottom in total]


def _key_of(total):
    return "+".join(sorted("%d/%d*%s" % (top, bottom, _monomial(powers)) for powers, top, bottom in total))


def _invert(total):
    if not total:
        raise _NoFormula()
    if len(total) > 1:
        return _symbol("(" + _key_of(total) + ")", -1)
    powers, top, bottom = total[0]
    return [_term({symbol: -exponent for symbol, exponent in powers.items()}, bottom, top)]


def _raise(base, exponent):
    if len(exponent) != 1 or exponent[0][0] or exponent[0][2] != 1:
        return _symbol("(" + _key_of(base) + ")^(" + _key_of(exponent) + ")")
    whole = exponent[0][1]
    if whole == 0 or abs(whole) > (64 if len(base) == 1 else 8):
        raise _NoFormula()
    result = base
    for _ in range(1, abs(whole)):
        result = _multiply(result, base)
    return _invert(result) if whole < 0 else result


def _formula_tokens(text):
    tokens, at = [], 0
    while at < len(text):
        match = _FORMULA_TOKEN.match(text, at)
        if match is None:
            raise _NoFormula()
        found, last = match[1], (tokens[-1] if tokens else "")
        if found[0] in _ASCII_DIGITS:
            if _LETTER_OR_CLOSE.search(last) or (last[:1] and last[0] in _ASCII_DIGITS and text[at] == " "):
                raise _NoFormula()
        tokens.append(found)
        at = match.end()
    return tokens


class _FormulaReader:
    """A recursive descent over the tokens of one formula."""

    def __init__(self, text):
        self.tokens, self.at, self.depth, self.is_mathematics = _formula_tokens(text), 0, 0, False

    def read(self):
        total = self.sum()
        if self.at < len(self.tokens):
            raise _NoFormula()
        return total

    @property
    def next(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, token):
        if self.next != token:
            return False
        self.at += 1
        return True

    def sum(self):
        self.depth += 1
        if self.depth > 24:
            raise _NoFormula()
        negative = self.take("-")
        if not negative:
            self.take("+")
        first = self.product()
        total = _negate(first) if negative else first
        while True:
            if self.take("+"):
                total = _add(total + self.product())
            elif self.take("-"):
                total = _add(total + _negate(self.product()))
            else:
                break
        self.depth -= 1
        return total

    def product(self):
        result, divided = self.power(), False
        while True:
            if self.take("*"):
                if divided:
                    raise _NoFormula()
                result = _multiply(result, self.power())
            elif self.take("/"):
                if divided:
                    raise _NoFormula()
                divided = self.is_mathematics = True
                result = _multiply(result, _invert(self.power()))
            elif self.next is not None and _STARTS_FACTOR.match(self.next):
                if divided:
                    raise _NoFormula()
                result = _multiply(result, self.power())
            else:
                return result

    def power(self):
        base = self.atom()
        if not self.take("^"):
            return base
        self.is_mathematics = True
        negative = self.take("-")
        exponent = self.atom()
        if self.next == "^":
            raise _NoFormula()
        return _raise(base, _negate(exponent) if negative else exponent)

    def group(self):
        if not self.take("("):
            raise _NoFormula()
        inner = self.sum()
        if not self.take(")"):
            raise _NoFormula()
        return inner

    def atom(self):
        token = self.next
        if token is None:
            raise _NoFormula()
        if token == "(":
            return self.group()
        self.at += 1
        if token[0] in _ASCII_DIGITS:
            return self.number(token)
        if token in _FUNCTIONS:
            self.is_mathematics = True
            return _symbol(token + "(" + _key_of(self.group()) + ")")
        return self.letters(token)

    def number(self, token):
        self.is_mathematics = True
        whole, _, decimals = token.partition(".")
        bottom = 10 ** len(decimals)
        if self.take("\u2044"):
            under = self.next
            if under is None or not _ONLY_DIGITS.match(under):
                raise _NoFormula()
            self.at += 1
            bottom *= int(under)
        return [_term({}, int(whole + decimals), bottom)]

    def letters(self, token):
        if token == "pi":
            return _symbol(token)
        if _VARIABLES.match(token):
            result = _symbol(token[0])
            for name in token[1:]:
                result = _multiply(result, _symbol(name))
            return result
        if not _A_LETTER.match(token) or (token in "fghFGHP" and self.next == "("):
            raise _NoFormula()
        return _symbol(token)


def formula_key(folded):
    """The key under which folded formulas are equal; None for what is no formula."""
    if _length(folded) > 200:
        return None
    try:
        reader = _FormulaReader(folded)
        total = reader.read()
        has_symbols = any(powers for powers, _, _ in total)
        only_plus = "-" not in folded and len(total) > 1
        return _key_of(total) if has_symbols and (reader.is_mathematics or only_plus) else None
    except _NoFormula:
        return None


# ---------------------------------------------------------------------------------------------------------------------
# Grading
# ---------------------------------------------------------------------------------------------------------------------

MAX_LENGTH = 1000
_BRACKETED = re.compile(r"[(\[{].*[)\]}]\Z")
_IN_PARENTHESES = _re("[-+]?[0-9./\u2044 ]+\\Z")
_ASSIGNED = _re(
    r"(?:@L(?:_\(?[A-Za-z0-9_]{1,3}\)?|')?|[A-Z]{2,3}|[a-zA-Z]\([a-z]\)) ?= ?([^=<>≤≥≠≈]+)\Z"
)
_LABEL = _re(r"\(?[A-H][.):]")
_PLUS_INFINITY = _re(r"\+(?=∞)")


def _split_list(text):
    def cuts(sign):
        parts, depth, start = [], 0, 0
        for i, char in enumerate(text):
            if char in "([{":
                depth += 1
            elif char in ")]}":
                depth -= 1
            elif char == sign and depth == 0:
                parts.append(_trim(text[start:i]))
                start = i + 1
        return parts + [_trim(text[start:])]

    parts = cuts(";")
    parts = parts if len(parts) > 1 else cuts(",")
    return parts if 1 < len(parts) <= 64 else None


def _unbracket(text):
    """(both brackets, what is inside), or None when the first one closes before the end."""
    if not _BRACKETED.match(text):
        return None
    depth = 0
    for i, char in enumerate(text):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0 and i < len(text) - 1:
                return None
    return (text[0] + text[-1], _trim(text[1:-1])) if depth == 0 else None


def _element_key(element, depth):
    quantity = read_quantity(element)
    if quantity is not None:
        top, bottom, unit, _ = quantity
        common = gcd(top, bottom)
        return "#%d/%d %s" % (top // common, bottom // common, unit)
    for key in (_list_key(element, depth + 1), formula_key(element)):
        if key is not None:
            return key
    return text_key(_without_start(_PLUS_INFINITY, element))


def _list_key(folded, depth=0):
    if depth > 6:
        return None
    brackets, inner = _unbracket(folded) or ("", folded)
    elements = _split_list(inner)
    if elements is None and brackets != "{}":
        return None
    keys = [_element_key(element, depth) for element in ([inner] if elements is None else elements)]
    if brackets == "{}":
        keys.sort()
    return brackets + " " + " | ".join(keys)


def _without_parentheses(folded):
    enclosed = _unbracket(folded)
    return enclosed[1] if enclosed and enclosed[0] == "()" and _IN_PARENTHESES.match(enclosed[1]) else folded


def _assigned(folded):
    match = _ASSIGNED.match(folded)
    return None if match is None else _trim(match[1])


def _equation_key(folded):
    sides = folded.split("=")
    if len(sides) != 2:
        return None
    keys = []
    for side in map(_trim, sides):
        key = formula_key(side)
        keys.append(text_key(side) if key is None else key)
    return None if "" in keys else " = ".join(keys)


def _is_bare(quantity):
    return quantity[2] in ("", "°")


def _compare_quantities(given, gold, grader):
    same = _equal_values(given, gold)
    if _equal_units(given[2], gold[2]):
        return True if same else None
    if grader == "strict" or not same or not _is_bare(gold):
        return None
    if (gold[2] == "°" and given[2] == "") or (gold[2] == "" and given[3]):
        return True
    return None


def _compare_choices(given, gold):
    a, b = read_choice(given), read_choice(gold)
    return a[0] == b[0] if a and b and (a[1] == "" or b[1] == "") else None


def _without_label(given, gold):
    a, b = read_choice(given), read_choice(gold)
    if (a is None) == (b is None):
        return None
    label, text = (b, gold) if a is None else (a, given)
    if label[1] == "" or not _LABEL.match(text):
        return None
    return (given, label[1]) if a is None else (label[1], gold)


def _element_list_key(text):
    return _list_key(text) if read_quantity(text) is None else None


def _compare_kinds(given, gold, grader):
    """True or False where a rule decides, None where none does."""
    x, y = read_quantity(_without_parentheses(given)), read_quantity(_without_parentheses(gold))
    if x is not None and y is not None:
        verdict = _compare_quantities(x, y, grader)
        if verdict is not None:
            return verdict
    elif text_key(given) == text_key(gold):
        return True
    choice = _compare_choices(given, gold)
    if choice is not None:
        return choice
    for key_of in (time_key, _element_list_key, formula_key, _equation_key):
        key = key_of(gold)
        if key is not None and key == key_of(given):
            return True
    asked = text_key(gold)
    return True if asked in ("yes", "no", "true", "false") and read_yes_no(given) == asked else None


def _compare(given, gold, grader):
    direct = _compare_kinds(given, gold, grader)
    if direct is not None:
        return direct
    left, asked = _assigned(given), _assigned(gold)
    if (left is None) != (asked is None) and "=" not in (given if left is None else gold):
        if _compare_kinds(given if left is None else left, gold if asked is None else asked, grader):
            return True
    labelled = _without_label(given, gold)
    return bool(labelled and _compare_kinds(labelled[0], labelled[1], grader))


def grader_for(expected):
    """`method` where a bare number is expected, `strict` for everything else."""
    if _length(expected) > MAX_LENGTH:
        return "strict"
    folded = fold_answer(expected)
    assigned = _assigned(folded)
    quantity = read_quantity(_without_parentheses(folded if assigned is None else assigned))
    return "method" if quantity is not None and _is_bare(quantity) else "strict"


_ANSWER_LIST = re.compile(r'[ \t\n\r]*\[[ \t\n\r]*"')


def expected_answers(expected):
    """The right answers that a text names: a JSON list of texts, else the text as it stands."""
    if not _ANSWER_LIST.match(expected):
        return [expected]
    try:
        answers = json.loads(expected)
    except (ValueError, RecursionError):
        return [expected]
    if not answers or not all(isinstance(answer, str) and _trim(answer) != "" for answer in answers):
        return [expected]
    return answers


def grade_answer(answer, expected, grader=None):
    """Whether an answer (None: there is none) equals one of the right ones, by the grader `strict` or `method`."""
    return any(_grade_one(answer, gold, grader) for gold in expected_answers(expected))


def _grade_one(answer, expected, grader):
    if answer is None:
        return False
    given, asked = _trim(answer), _trim(expected)
    if asked == "" or given == "":
        return False
    if given == asked:
        return True
    if _length(answer) > MAX_LENGTH or _length(expected) > MAX_LENGTH:
        return False
    folded, gold = fold_answer(answer), fold_answer(expected)
    if folded == "" or gold == "":
        return False
    return _compare(folded, gold, grader or grader_for(expected))


# ---------------------------------------------------------------------------------------------------------------------
# Rewards
# ---------------------------------------------------------------------------------------------------------------------


class TokenSpans:
    """Characters to tokens: how many tokens wrote the characters [start, end).

    A token whose bytes complete no character yet shares the range of the text that the tokens after it complete.
    """

    def __init__(self, pieces, rest=""):
        """`pieces` is the text that became final with each token; `rest` what a decoder released at its end."""
        self.starts, self.ends = [], []
        length = waiting = 0
        for piece in pieces:
            self.starts.append(length)
            self.ends.append(length)
            waiting += 1
            if piece:
                length += len(piece)
                self.ends[len(self.ends) - waiting :] = [length] * waiting
                waiting = 0
        if rest and waiting:
            self.ends[len(self.ends) - waiting :] = [length + len(rest)] * waiting

    def count(self, start, end):
        first = bisect_right(self.ends, start)
        last = bisect_left(self.starts, end)
        return max(last if end > start else first, first) - first


def length_reward(tokens, max_length):
    """0 up to 80 % of the longest completion, then falling linearly to -1 at its end."""
    free = 0.8 * max_length
    if tokens <= free:
        return 0
    return -1 if tokens >= max_length else (free - tokens) / (max_length - free)


class Sample:
    """One finished completion: its text without end token, what is right, and how it was written."""

    def __init__(self, text, expected, finished, tokens, max_length, count_tokens):
        self.text, self.expected, self.finished = text, expected, finished
        self.tokens, self.max_length, self.count_tokens = tokens, max_length, count_tokens


REWARDS = {
    "accuracy": lambda sample: 1 if grade_answer(read_answer(sample.text), sample.expected) else 0,
    "format": lambda sample: strict_format(sample.text, sample.finished, sample.count_tokens),
    "format_paper": lambda sample: paper_format(sample.text),
    "length": lambda sample: length_reward(sample.tokens, sample.max_length),
}


def score(sample, weights):
    """Every weighted reward by name, and their weighted sum."""
    rewards = {name: REWARDS[name](sample) for name, weight in weights.items() if weight != 0}
    total = 0
    # Added one by one: newer Pythons' sum() corrects roundings that the trainer's total has.
    for name, value in rewards.items():
        total += weights[name] * value
    return rewards, total


# ---------------------------------------------------------------------------------------------------------------------
# Trainers
# ---------------------------------------------------------------------------------------------------------------------


def pieces_of(tokenizer, ids):
    """The text that becomes final with each token, and what is left at the end; linear for bounded characters."""
    pieces, text_from, done = [], 0, 0
    for at in range(1, len(ids) + 1):
        before = tokenizer.decode(ids[text_from:done], skip_special_tokens=True)
        now = tokenizer.decode(ids[text_from:at], skip_special_tokens=True)
        if now.endswith("\ufffd") and at - done < 8:
            pieces.append("")
            continue
        pieces.append(now[len(before) :])
        text_from, done = (done, at)
    before = tokenizer.decode(ids[text_from:done], skip_special_tokens=True)
    return pieces, tokenizer.decode(ids[text_from:], skip_special_tokens=True)[len(before) :]


def _spans(tokenizer, ids):
    pieces, rest = pieces_of(tokenizer, ids)
    return "".join(pieces) + rest, TokenSpans(pieces, rest)


def _text_of(completion):
    return completion if isinstance(completion, str) else "".join(message["content"] for message in completion)


def trl_rewards(names, tokenizer, max_length, end_ids):
    """Reward functions for TRL's GRPOTrainer, in the order of `names`; the dataset has the column `answer`."""

    def made(name):
        def reward(completions, completion_ids, answer, **_):
            scores = []
            for completion, ids, expected in zip(completions, completion_ids, answer):
                finished = bool(ids) and ids[-1] in end_ids
                text, spans = _spans(tokenizer, list(ids[:-1] if finished else ids))
                if not text:
                    text = _text_of(completion)
                sample = Sample(text, expected, finished, len(ids), max_length, spans.count)
                scores.append(float(REWARDS[name](sample)))
            return scores

        reward.__name__ = name
        return reward

    return [made(name) for name in names]


REWARD_NAME = "look_back"
REWARD_TYPE = "batch"
_TOKENIZERS = {}


def _tokenizer_at(path):
    if path not in _TOKENIZERS:
        from transformers import AutoTokenizer

        _TOKENIZERS[path] = AutoTokenizer.from_pretrained(path)
    return _TOKENIZERS[path]


def _encoded_spans(tokenizer, text):
    """Token spans of a text by encoding it again; EasyR1 hands over no ids."""
    offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    spans = TokenSpans(())
    spans.starts, spans.ends = [start for start, _ in offsets], [end for _, end in offsets]
    return spans


def compute_score(reward_inputs, weights, tokenizer, max_length, end_texts):
    """EasyR1's batch reward. Responses are decoded with special tokens, so that an end token shows that one is whole."""
    reader, scores = _tokenizer_at(tokenizer), []
    for item in reward_inputs:
        text = item["response"]
        end = next((end for end in end_texts if text.endswith(end)), None)
        if end is not None:
            text = text[: -len(end)]
        spans = _encoded_spans(reader, text)
        sample = Sample(
            text, item["ground_truth"], end is not None, item["response_length"], max_length, spans.count
        )
        rewards, total = score(sample, weights)
        scores.append({"overall": total, **rewards})
    return scores
