"""One completion from any OpenAI-compatible server. Touches the network."""

from __future__ import annotations

from collections.abc import Callable

from service.errors import ModelFailed

_TIMEOUT = 60.0  # seconds


def open_completion(api_key: str, base_url: str | None, model: str) -> Callable[[str], str]:
    """A prompt to the text of the answer, a JSON object. The callable raises ModelFailed.

    The client retries 429, 5xx and timeouts itself, twice, and obeys Retry-After.
    """
    import openai  # half a second to import, and needed only with a key

    client = openai.OpenAI(api_key=api_key, base_url=base_url, timeout=_TIMEOUT, max_retries=2)

    def complete(prompt: str) -> str:
        try:
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": prompt}],
                response_format={"type": "json_object"},
            )
            text = answer.choices[0].message.content if answer.choices else None
        except openai.OpenAIError as error:
            said = _said(error).replace(api_key, "(the key)")  # some servers repeat what they were sent
            raise ModelFailed(f"the language model did not answer: {said}") from error
        except (AttributeError, TypeError, ValueError) as error:  # the client trusts the server's form
            raise ModelFailed(f"the language model's answer is no chat completion: {_said(error)}") from error
        if not isinstance(text, str) or not text:
            raise ModelFailed("the language model answered nothing")
        return text

    return complete


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
