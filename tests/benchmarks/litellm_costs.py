"""Say how many records LiteLLM's `completion_cost` prices in a second.

    PYTHON tests/benchmarks/litellm_costs.py < ROWS

PYTHON has LiteLLM installed, which is none of the tools of this project: it brings forty packages
of its own. ROWS is a JSON list of [provider, model, prompt tokens, cached of them, output tokens],
as `tests.benchmarks.pricing` writes it. Printed are the records it knows and those per second; one
call each, best of three, by the processor's clock. Nothing of ours is imported here.
"""

import importlib
import json
import os
import sys
import time
from typing import Any

# LiteLLM looks its prices up on the network unless it is told not to.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

# What the corpus calls a provider as a gateway does, and LiteLLM otherwise.
PROVIDERS = {"google": "gemini"}


def main() -> None:
    litellm = importlib.import_module("litellm")
    types = importlib.import_module("litellm.types.utils")
    known = []
    for provider, model, prompt, cached, output in json.load(sys.stdin):
        usage = types.Usage(
            prompt_tokens=prompt,
            completion_tokens=output,
            prompt_tokens_details={"cached_tokens": cached},
        )
        answer = types.ModelResponse(model=model, usage=usage)
        asked = {
            "completion_response": answer,
            "model": model,
            "custom_llm_provider": PROVIDERS.get(provider, provider),
        }
        if _is_priced(litellm, asked):
            known.append(asked)
    seconds = min(_seconds(litellm, known) for _ in range(3))
    sys.stdout.write(json.dumps({"known": len(known), "per_second": len(known) / seconds}))


def _is_priced(litellm: Any, asked: dict[str, Any]) -> bool:
    try:
        litellm.completion_cost(**asked)
    except Exception:  # noqa: BLE001 - whatever it raises, it has no price
        return False
    return True


def _seconds(litellm: Any, known: list[dict[str, Any]]) -> float:
    began = time.process_time()
    for asked in known:
        litellm.completion_cost(**asked)
    return time.process_time() - began


if __name__ == "__main__":
    main()
