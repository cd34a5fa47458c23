"""Acronyms of the field with their long forms, which a filter needs to name but once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from service.words import terms

_Run = tuple[str, ...]

_MOST_VARIANTS = 8  # of one phrase

_LONG_FORMS = {
    "LLM": "large language model",
    "PLM": "pre-trained language model",
    "SLM": "small language model",
    "VLM": "vision-language model",
    "LVLM": "large vision-language model",
    "MLLM": "multimodal large language model",
    "LMM": "large multimodal model",
    "LRM": "large reasoning model",
    "VLA": "vision-language-action",
    "RAG": "retrieval-augmented generation",
    "RL": "reinforcement learning",
    "RLHF": "reinforcement learning from human feedback",
    "RLVR": "reinforcement learning with verifiable rewards",
    "GRPO": "group relative policy optimization",
    "PPO": "proximal policy optimization",
    "DPO": "direct preference optimization",
    "PRM": "process reward model",
    "COT": "chain-of-thought",
    "ICL": "in-context learning",
    "SFT": "supervised fine-tuning",
    "PEFT": "parameter-efficient fine-tuning",
    "LORA": "low-rank adaptation",
    "MOE": "mixture of experts",
    "SSM": "state space model",
    "NAS": "neural architecture search",
    "GNN": "graph neural network",
    "CNN": "convolutional neural network",
    "RNN": "recurrent neural network",
    "GAN": "generative adversarial network",
    "VAE": "variational autoencoder",
    "DIT": "diffusion transformer",
    "VIT": "vision transformer",
    "MIM": "masked image modeling",
    "MLM": "masked language modeling",
    "SSL": "self-supervised learning",
    "VQA": "visual question answering",
    "OCR": "optical character recognition",
    "ASR": "automatic speech recognition",
    "TTS": "text-to-speech",
    "NMT": "neural machine translation",
    "MT": "machine translation",
    "GUI": "graphical user interface",
    "MCP": "model context protocol",
    "PTQ": "post-training quantization",
    "QAT": "quantization-aware training",
    "SAE": "sparse autoencoder",
    "OOD": "out-of-distribution",
    "T2I": "text-to-image",
    "T2V": "text-to-video",
    "I2V": "image-to-video",
    "NER": "named entity recognition",
    "QA": "question answering",
    "KG": "knowledge graph",
    "IR": "information retrieval",
    "EHR": "electronic health record",
    "MRI": "magnetic resonance imaging",
    "3DGS": "3D Gaussian splatting",
    "NERF": "neural radiance field",
}
_TERMS = {acronym: terms(form) for acronym, form in _LONG_FORMS.items()}
_ACRONYMS = {form: acronym for acronym, form in _TERMS.items()}
_LONGEST = max(map(len, _ACRONYMS))


@lru_cache(maxsize=100_000)
def spellings(phrase: str) -> tuple[_Run, ...]:
    """The phrase as terms, with acronyms for long forms and the other way round: "LLM agent", "large language model agent"."""
    found = [terms(phrase)]
    for run in found:
        if len(found) < _MOST_VARIANTS:
            found += [other for other in _exchanged(run) if other not in found]
    return tuple(found)


def is_known(acronym: _Run, long_form: _Run) -> bool:
    """Whether phrases have both forms without a paper saying so."""
    return len(acronym) == 1 and _TERMS.get(acronym[0]) == long_form


def _exchanged(run: _Run) -> Iterator[_Run]:
    for start, term in enumerate(run):
        if term in _TERMS:
            yield run[:start] + _TERMS[term] + run[start + 1 :]
        for end in range(start + 1, min(start + _LONGEST, len(run)) + 1):
            if acronym := _ACRONYMS.get(run[start:end]):
                yield (*run[:start], acronym, *run[end:])
