"""Scores the cases of `npm run reward-twin` (JSON lines on standard input) with look_back_reward.py and says where the
results differ from those that came with them. Every number has to be equal. Ends with code 1 where one is not.
"""

import json
import sys

from look_back_reward import REWARDS, Sample, TokenSpans, grade_answer, grader_for, read_answer, score

SHOWN = 10


def pieces(text, lengths):
    """The text cut into tokens of so many characters each."""
    at, cut = 0, []
    for length in lengths:
        cut.append(text[at : at + length])
        at += length
    return cut


def results(case):
    """What the twin says of a case, under the names that the case has its own results under."""
    text, expected = case["text"], case["expected"]
    spans = TokenSpans(pieces(text, case["tokenLengths"]))
    tokens = len(case["tokenLengths"])
    sample = Sample(text, expected, case["finished"], tokens, case["maxLength"], spans.count)
    rewards, total = score(sample, case["weights"])
    answer = read_answer(text)
    return {
        "rewards": {name: REWARDS[name](sample) for name in REWARDS},
        "total": total,
        "weighted": sorted(rewards),
        "answer": answer,
        "grader": grader_for(expected),
        "strict": grade_answer(answer, expected, "strict"),
        "method": grade_answer(answer, expected, "method"),
    }


def main():
    cases, differing = 0, 0
    for line in sys.stdin:
        case = json.loads(line)
        cases += 1
        ours = results(case)
        different = {name: ours[name] for name in ours if ours[name] != case["results"][name]}
        if not different:
            continue
        differing += 1
        if differing <= SHOWN:
            shown = {name: [case["results"][name], ours[name]] for name in different}
            text = case["text"] if len(case["text"]) < 600 else case["text"][:600] + "…"
            print(json.dumps({"case": case["index"], "expected": case["expected"], "text": text, "differ": shown}))
    print(json.dumps({"cases": cases, "differing": differing}))
    sys.exit(1 if differing or not cases else 0)


main()
