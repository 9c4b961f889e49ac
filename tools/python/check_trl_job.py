"""Takes one step of an exported TRL job on the CPU and checks what came of it: TRL accepts configuration, data set and
rewards, every reward is logged and in its range, and the adapter changes and loads again. Takes jobs of GRPO and of SFT.

    npm run export-job -- configs/pocket_grpo.json --to trl --out JOB
    python tools/python/check_trl_job.py JOB

Needs torch, trl, peft and pillow; the app and its tests never do. Prints one JSON object; ends with code 1 on a failure.
"""

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoTokenizer
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil


class PictureProcessor(Qwen2_5_VLProcessor):
    """Qwen2.5-VL's processor for pictures alone, read with Pillow as the engine reads them; needs no torchvision."""

    def __init__(self, image_processor, tokenizer, chat_template=None):
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        super(Qwen2_5_VLProcessor, self).__init__(image_processor, tokenizer, chat_template=chat_template)


def picture_processor(path):
    tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left")
    image_processor = Qwen2VLImageProcessorPil.from_pretrained(path)
    return PictureProcessor(image_processor, tokenizer, chat_template=tokenizer.chat_template)


def load_job(folder):
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("job_train", folder / "train.py")
    job = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(job)
    return job


def main():
    folder = Path(sys.argv[1]).resolve()
    job = load_job(folder)
    supervised = (folder / "sft_config.json").is_file()
    config = job.read_json("sft_config.json" if supervised else "grpo_config.json")
    weights = {} if supervised else job.read_json("rewards.json")
    with tempfile.TemporaryDirectory() as output:
        processor = picture_processor(job.base_path(None))
        changes = {"max_steps": 1, "use_cpu": True, "save_strategy": "no"}
        trainer = job.make_trainer(output=output, processor=processor, **changes)
        for name, value in config.items():
            # transformers turns `none` into an empty list.
            found = getattr(trainer.args, name) or ("none" if name == "report_to" else getattr(trainer.args, name))
            if name not in changes:
                assert found == value, f"{name} is {found}, not {value}"
        before = {k: v.detach().clone() for k, v in trainer.model.named_parameters() if v.requires_grad}
        assert before and all("lora_" in name for name in before), "something besides the adapter is trained"
        trainer.train()
        # The first step of a warm-up has a learning rate of zero and changes nothing.
        moved = sum(not torch.equal(before[k], v.detach()) for k, v in trainer.model.named_parameters() if k in before)
        rate = trainer.state.log_history[0].get("learning_rate", 0)
        trainer.save_model()
        logged = trainer.state.log_history[0]
        rewards = {name: logged[f"rewards/{name}/mean"] for name in weights}
        for name, value in rewards.items():
            assert (-1 if name == "length" else 0) <= value <= 1, f"{name} is {value}"
        if not supervised:
            total = sum(weights[name] * value for name, value in rewards.items())
            assert abs(total - logged["reward"]) < 1e-5, f"the reward is {logged['reward']}, not {total}"
        assert moved > 0 or rate == 0 or logged.get("reward_std") == 0, "the adapter did not move"
        saved = load_file(f"{output}/adapter_model.safetensors")
        base = AutoModelForImageTextToText.from_pretrained(job.base_path(None))
        loaded = {
            name.replace(".default.weight", ".weight"): tensor
            for name, tensor in PeftModel.from_pretrained(base, output).named_parameters()
            if "lora_" in name
        }
        assert saved.keys() == loaded.keys(), "the saved adapter does not fit the base"
    keys = ("reward", "reward_std", "loss", "grad_norm", "completions/mean_length", "completions/clipped_ratio")
    print(json.dumps({"rewards": rewards, "moved": moved, **{key: logged.get(key) for key in keys}}))


if __name__ == "__main__":
    main()
