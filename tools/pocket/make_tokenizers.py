"""Writes the tokenizer files of pocket: tokenizer.json and tokenizer_config.json.

The vocabulary is written down here, one word a token, whatever its case.
Decoding appends only: the text of a prefix of the ids is a prefix of the text of the ids.
"""
import argparse
import json
import os

SPECIAL = ['<pad>', '<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>', '<|image_pad|>']
TAGS = ['<think>', '</think>', '<back>', '</back>', '\\boxed{', '}']
NUMBERS = [str(n) for n in range(41)]
NUMBER_WORDS = ('zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen '
                'seventeen eighteen nineteen twenty').split()
COLOURS = 'black white grey red orange yellow green blue purple pink brown gray'.split()
SHAPES = 'circle square triangle star ring heart'.split()
NOUNS = 'object shape thing cell tile'.split()
CELLS = [r + c for r in 'abcd' for c in '1234']
SENTENCES = ('count check list start with the add subtract plus minus take away remove number of from to then now how many '
             'are there do you see what is result in all left mostly which row column has have more does or and any an '
             'i so use back midway ok x same yes no please can tell me picture this image photo on sheet here '
             'colours colors').split()
SIGNS = ['##.', '##?', '-', '+', '=', '<', '>']
SIZE = 256
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }} "
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{% endif %}"
)


def pocket_vocabulary():
    words = SPECIAL + ['user', 'assistant'] + TAGS + NUMBERS + COLOURS
    words += [w for s in SHAPES + NOUNS for w in (s, s + 's')] + CELLS + list('abcd')
    words += NUMBER_WORDS + SENTENCES + SIGNS + ['<unk>']
    spare = SIZE - 1 - len(words)
    assert spare >= 0, spare
    return words + [f'<|extra_{i}|>' for i in range(spare)] + ['<|video_pad|>']


def replace(pattern, content):
    return {'type': 'Replace', 'pattern': pattern, 'content': content}


def tokenizer_json(words):
    """A Hugging Face tokenizer: lower case, tags on their own, then whole words with `.` and `?` as suffixes."""
    added = [{'id': words.index(w), 'content': w, 'single_word': False, 'lstrip': False, 'rstrip': False,
              'normalized': False, 'special': True} for w in SPECIAL + ['<|video_pad|>']]
    return {
        'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added,
        'normalizer': {'type': 'Sequence', 'normalizers': [
            {'type': 'Lowercase'},
            replace({'Regex': '[\u2013\u2014\u2212]'}, '-'),
            replace({'Regex': '[,;:!]'}, '.'),
            replace({'Regex': '["\'()\\[\\]*_`]'}, ' '),
            # Suffixes cling to the word before them, however the text spaced them.
            replace({'Regex': '\\s+(?=[.?])'}, ''),
            replace({'Regex': '[.]{2,}'}, '.'),
        ]},
        'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [
            {'type': 'Split', 'pattern': {'Regex': '</?(?:think|back)>|\\\\boxed\\{|\\}|[+=]'}, 'behavior': 'Isolated',
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
    write(parser.parse_args().folder, pocket_vocabulary())
