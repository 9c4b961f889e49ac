"""Writes the tokenizer files of the pocket models: tokenizer.json and tokenizer_config.json.

Not trained: the vocabularies are written down here, one word a token. Two forms share everything but the
vocabulary: pocket's own, and the drafts', whose words are fixed and whose plural is a suffix of its own.
Invariant: decoding appends only: the text of a prefix of the ids is a prefix of the text of the ids.
"""
import argparse
import json
import os

SPECIAL = ['<pad>', '<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>', '<|image_pad|>']
TAGS = ['<think>', '</think>', '<back>', '</back>', '\\boxed{', '}']
NUMBERS = [str(n) for n in range(41)]
COLOURS = ['red', 'green', 'blue', 'yellow']
SHAPES = ['circle', 'square', 'triangle']
CELLS = [r + c for r in 'abc' for c in '123']
SIZE = 112  # the size of the drafts' vocabulary: one set of tensor shapes for all pocket models
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }} "
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{% endif %}"
)


def pocket_vocabulary():
    words = SPECIAL + ['user', 'assistant'] + TAGS + NUMBERS + COLOURS + SHAPES + [s + 's' for s in SHAPES]
    words += ['object', 'objects', 'count', 'check', 'list', 'start', 'with', 'the', 'add', 'subtract', '##.', 'how',
              'many', '##?', 'i', 'see', 'so', 'use', 'back', 'ok', '-', '+', '=', 'x', '<unk>'] + CELLS
    spare = SIZE - 1 - len(words)
    assert spare >= 0, spare
    return words + [f'<|extra_{i}|>' for i in range(spare)] + ['<|video_pad|>']


def draft_vocabulary(path):
    """The drafts' words in their fixed order, written so that plain English reads into them."""
    ids = json.load(open(path))
    words = [w for w, _ in sorted(ids.items(), key=lambda kv: kv[1])]
    renamed = {'s': '##s', '.': '##.', '?': '##?', '<|extra_108|>': '<unk>', '<|extra_111|>': '<|video_pad|>'}
    return [renamed.get(w, w) for w in words]


def replace(pattern, content):
    return {'type': 'Replace', 'pattern': pattern, 'content': content}


def tokenizer_json(words):
    """A Hugging Face tokenizer: lower case, tags on their own, then whole words with `.`, `?` (and `s`) as suffixes."""
    added = [{'id': words.index(w), 'content': w, 'single_word': False, 'lstrip': False, 'rstrip': False,
              'normalized': False, 'special': True} for w in SPECIAL + ['<|video_pad|>']]
    return {
        'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added,
        'normalizer': {'type': 'Sequence', 'normalizers': [
            {'type': 'Lowercase'},
            replace({'Regex': '[,;:!]'}, '.'),
            replace({'Regex': '["\'()\\[\\]*_`]'}, ' '),
            # Suffixes cling to the word before them, however the text spaced them.
            replace({'Regex': '\\s+(?=[.?])'}, ''),
            replace({'Regex': '[.]{2,}'}, '.'),
        ]},
        'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [
            {'type': 'Split', 'pattern': {'Regex': '</?(?:think|back)>|\\\\boxed\\{|\\}'}, 'behavior': 'Isolated',
             'invert': False},
            {'type': 'WhitespaceSplit'},
        ]},
        'post_processor': None,
        'decoder': {'type': 'WordPiece', 'prefix': '##', 'cleanup': False},
        'model': {'type': 'WordPiece', 'unk_token': '<unk>', 'continuing_subword_prefix': '##',
                  'max_input_chars_per_word': 40, 'vocab': {w: i for i, w in enumerate(words)}},
    }


def write(folder, words):
    os.makedirs(folder, exist_ok=True)
    assert len(set(words)) == len(words) == SIZE
    with open(f'{folder}/tokenizer.json', 'w') as f:
        json.dump(tokenizer_json(words), f, indent=1, ensure_ascii=False)
    config = {
        'tokenizer_class': 'PreTrainedTokenizerFast', 'model_max_length': 512, 'clean_up_tokenization_spaces': False,
        'add_bos_token': False, 'add_prefix_space': False, 'bos_token': None, 'eos_token': '<|im_end|>',
        'pad_token': '<pad>', 'unk_token': '<unk>', 'chat_template': CHAT_TEMPLATE,
        'added_tokens_decoder': {str(words.index(w)): {
            'content': w, 'lstrip': False, 'normalized': False, 'rstrip': False, 'single_word': False,
            'special': True} for w in SPECIAL + ['<|video_pad|>']},
    }
    with open(f'{folder}/tokenizer_config.json', 'w') as f:
        json.dump(config, f, indent=1)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder')
    parser.add_argument('--draft-vocabulary', help='vocab.json of the drafts; default: pocket\'s own words')
    args = parser.parse_args()
    write(args.folder, draft_vocabulary(args.draft_vocabulary) if args.draft_vocabulary else pocket_vocabulary())
