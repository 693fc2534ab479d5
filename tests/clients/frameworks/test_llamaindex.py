"""LlamaIndex against a running server. `scripts/test` starts the server and the stand-in Gemini."""

import asyncio
import os

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike


@pytest.fixture(scope="module")
def model():
    return OpenAILike(
        api_base=os.environ["BASE_URL"], api_key=os.environ["CLIENT_KEY"], model="gemini-3.8-flash",
        is_chat_model=True, is_function_calling_model=True, max_retries=0,
    )


def test_complete(model):
    assert str(model.complete("Grüße, 世界")) == "You said: Grüße, 世界"


def test_stream(model):
    assert "".join(piece.delta for piece in model.stream_complete("Hello")) == "You said: Hello"


def weather(city: str) -> str:
    """The weather of a city."""
    return '{"degrees": 21}'


def test_agent(model):
    async def run():
        return await FunctionAgent(tools=[weather], llm=model).run("[[sim:tool steps=3]] go")

    assert str(asyncio.run(run())).count('weather={"degrees":21}') == 3
