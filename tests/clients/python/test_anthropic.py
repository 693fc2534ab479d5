"""Anthropic's Python SDK against a running server. `scripts/test` starts the server and the stand-in Gemini."""

import json
import os

import anthropic
import pytest
from pydantic import BaseModel

BASE_URL = os.environ["BASE_URL"].removesuffix("/v1")
CLIENT_KEY = os.environ["CLIENT_KEY"]
MODEL = "gemini-3.8-flash"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def tool(name):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"name": name, "description": name, "input_schema": schema}


TOOLS = [tool("weather"), tool("clock")]


@pytest.fixture(scope="module")
def client():
    return anthropic.Anthropic(base_url=BASE_URL, api_key=CLIENT_KEY, max_retries=0, timeout=60)


def user(content):
    return [{"role": "user", "content": content}]


def test_message(client):
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    answer = client.messages.create(model=MODEL, max_tokens=100, system=system, messages=user("Grüße, 世界"), stop_sequences=["END"])
    assert answer.content[0].text == "You said: Grüße, 世界"
    assert answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0
    assert answer.id.startswith("msg_") and answer._request_id


def test_bearer():
    bearer = anthropic.Anthropic(base_url=BASE_URL, auth_token=CLIENT_KEY, max_retries=0)
    assert bearer.messages.create(model=MODEL, max_tokens=10, messages=user("x")).content[0].text == "You said: x"


def test_stream(client):
    with client.messages.stream(model=MODEL, max_tokens=1000, messages=user("[[sim:long chunks=40]]")) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text and final.content[0].text == text and final.stop_reason == "end_turn"
    whole = client.messages.create(model=MODEL, max_tokens=1000, messages=user("[[sim:long chunks=40]]"))
    assert whole.content[0].text == text


@pytest.mark.parametrize("model", [MODEL, "gemini-2.5-flash"])
@pytest.mark.parametrize("scenario", ["tool", "parallel calls=2", "tool steps=3"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("thinking", [{"type": "disabled"}, {"type": "enabled", "budget_tokens": 2000}])
def test_tool_loop(client, model, scenario, streamed, thinking):
    messages = user(f"[[sim:{scenario}]] go")
    terms = {"model": model, "max_tokens": 4000, "tools": TOOLS, "thinking": thinking}
    for _ in range(5):
        if streamed:
            with client.messages.stream(messages=messages, **terms) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(messages=messages, **terms)
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            assert message.stop_reason == "end_turn"
            assert 'weather={"degrees":21}' in message.content[-1].text
            return
        assert message.stop_reason == "tool_use" and all(call.input == {"city": "text"} for call in calls)
        messages.append({"role": "assistant", "content": message.content})
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": json.dumps({"degrees": 21})} for call in calls]
        messages.append({"role": "user", "content": results})
    raise AssertionError("the loop does not end")


@anthropic.beta_tool
def weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: Its name.
    """
    return json.dumps({"degrees": 21, "city": city})


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("thread", [None, False])
def test_tool_runner(client, streamed, thread):
    """The runner stores the conversation in a thread at the server, unless it is configured not to."""
    terms = {} if thread is None else {"thread": thread}
    runner = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=1000, tools=[weather], messages=user("[[sim:tool steps=3]] go"), stream=streamed, **terms
    )
    replies = [reply.get_final_message() if streamed else reply for reply in runner]
    assert [reply.stop_reason for reply in replies] == ["tool_use"] * 3 + ["end_turn"]
    assert replies[-1].content[-1].text.count('"degrees":21') == 3


def test_threads(client):
    thread = client.beta.messages.thread(model=MODEL, max_tokens=1000)
    assert thread.send({"role": "user", "content": "one"}).content[0].text == "You said: one"
    assert thread.send({"role": "user", "content": "two"}).content[0].text == "You said: two"
    assert thread.previous_message_id and len(thread.messages) == 4


def test_a_lost_thread_is_told_as_one(client):
    thread = client.beta.messages.thread(model=MODEL, max_tokens=1000)
    first = thread.send({"role": "user", "content": "one"})
    with pytest.raises(anthropic.NotFoundError):
        other = {"type": "continue", "previous_message_id": first.id + "0"}
        client.beta.messages.create(model=MODEL, max_tokens=10, messages=user("x"), thread=other)


def test_thinking(client):
    thinking = {"type": "enabled", "budget_tokens": 2000}
    answer = client.messages.create(model=MODEL, max_tokens=4000, thinking=thinking, messages=user("[[sim:thinking]] x"))
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].thinking == "The user wants an answer."


def test_web_search(client):
    terms = {
        "model": MODEL, "max_tokens": 100, "messages": user("[[sim:search]] who"),
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
    }
    with client.messages.stream(**terms) as stream:
        streamed = stream.get_final_message()
    for answer in (client.messages.create(**terms), streamed):
        said, call, found = answer.content
        assert said.text == said.citations[0].cited_text == "You said: who" and said.citations[0].url == found.content[0].url
        assert call.input == {"query": "who"} and found.tool_use_id == call.id
        assert answer.usage.server_tool_use.web_search_requests == 1


def test_forced_tool(client):
    answer = client.messages.create(model=MODEL, max_tokens=100, tools=TOOLS, tool_choice={"type": "tool", "name": "clock"}, messages=user("x"))
    assert answer.content[0].name == "clock"


def test_files(client):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}}
    answer = client.messages.create(model=MODEL, max_tokens=100, messages=user([image, pdf, {"type": "text", "text": "what is it"}]))
    assert answer.content[0].text == "You said: what is it"


class Person(BaseModel):
    name: str
    age: int


def test_parse(client):
    answer = client.messages.parse(model=MODEL, max_tokens=100, messages=user("x"), output_format=Person)
    assert answer.parsed_output == Person(name="text", age=7)


def test_count(client):
    assert client.messages.count_tokens(model=MODEL, messages=user("hello"), tools=TOOLS).input_tokens > 0


def test_models(client):
    listed = client.models.list()
    assert any(model.id == "gemini-2.5-flash" and model.type == "model" for model in listed)
    assert client.models.retrieve("gemini-2.5-flash").id == "gemini-2.5-flash"


@pytest.mark.parametrize("scenario, reason", [("max_tokens", "max_tokens"), ("blocked", "refusal"), ("safety", "refusal")])
def test_stop_reasons(client, scenario, reason):
    assert client.messages.create(model=MODEL, max_tokens=50, messages=user(f"[[sim:{scenario}]]")).stop_reason == reason


def test_errors(client):
    stranger = anthropic.Anthropic(base_url=BASE_URL, api_key="wrong-key-0000000000000000", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(model=MODEL, max_tokens=1, messages=user("x"))
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="gemini-0-nothing", max_tokens=1, messages=user("x"))
    with pytest.raises(anthropic.BadRequestError) as raised:
        client.messages.create(model=MODEL, max_tokens=1, messages=[{"role": "king", "content": "x"}])
    assert raised.value.body["error"]["type"] == "invalid_request_error" and "king" in str(raised.value)
    with pytest.raises(anthropic.BadRequestError) as raised:
        client.messages.create(model=MODEL, max_tokens=1, messages=user("[[sim:too_long]]"))
    assert "prompt is too long" in str(raised.value)
    with pytest.raises(anthropic.RateLimitError):
        client.messages.create(model="gemini-3.1-flash-lite", max_tokens=1, messages=user("[[sim:429_minute retry=20]]"))


@pytest.mark.parametrize("scenario", ["mid_error", "eof", "truncated", "reset"])
def test_broken_streams_raise(client, scenario):
    with pytest.raises(anthropic.APIError):
        with client.messages.stream(model=MODEL, max_tokens=100, messages=user(f"[[sim:{scenario}]] a text in more than one piece")) as stream:
            for _ in stream:
                pass
