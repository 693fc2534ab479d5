"""LangChain against a running server, with the OpenAI and Anthropic protocols. `scripts/test` starts the server and the stand-in Gemini."""

import os

import pytest
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

BASE_URL = os.environ["BASE_URL"]
CLIENT_KEY = os.environ["CLIENT_KEY"]
MODEL = "gemini-3.8-flash"
OPENAI = {"base_url": BASE_URL, "api_key": CLIENT_KEY, "model": MODEL, "max_retries": 0}
ANTHROPIC = {**OPENAI, "base_url": BASE_URL.removesuffix("/v1")}
MODELS = {
    "chat": ChatOpenAI(**OPENAI),
    "responses": ChatOpenAI(**OPENAI, use_responses_api=True),
    "messages": ChatAnthropic(**ANTHROPIC),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return '{"degrees": 21}'


def test_invoke(model):
    answer = model.invoke([("system", "Be brief."), ("user", "Grüße, 世界")])
    assert answer.text == "You said: Grüße, 世界" and answer.usage_metadata["output_tokens"] > 0


def test_stream(model):
    assert "".join(piece.text for piece in model.stream("a text in more than one piece")) == "You said: a text in more than one piece"


def test_agent(model):
    messages = create_agent(model, [weather]).invoke({"messages": [("user", "[[sim:tool steps=3]] go")]})["messages"]
    assert messages[-1].text.count('weather={"degrees":21}') == 3 and len(messages) == 8


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def test_structured_output(model):
    assert model.with_structured_output(Person).invoke("x") == Person(name="text", age=7)
