"""OpenAI's Python SDK against a running server. `scripts/test` starts the server and the stand-in Gemini."""

import asyncio
import json
import os
import pathlib
import types
import typing

import openai
import pytest
import typing_extensions
from openai.types.chat import ChatCompletion, ChatCompletionChunk, completion_create_params
from pydantic import BaseModel

BASE_URL = os.environ["BASE_URL"]
CLIENT_KEY = os.environ["CLIENT_KEY"]
GEMINI_3 = "gemini-3.8-flash"

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def function(name):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}


TOOLS = [function("weather"), function("clock")]


@pytest.fixture(scope="module")
def client():
    return openai.OpenAI(base_url=BASE_URL, api_key=CLIENT_KEY, max_retries=0, timeout=60)


def user(text):
    return [{"role": "user", "content": text}]


def test_chat(client):
    messages = [{"role": "system", "content": "Be brief."}, *user("a"), {"role": "assistant", "content": "b"}, *user("Grüße, 世界")]
    answer = client.chat.completions.create(model="gpt-4o", messages=messages)
    assert answer.choices[0].message.content == "You said: Grüße, 世界"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4o"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_stream(client):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="gpt-4o", messages=user("[[sim:long chunks=40]]"), stream=True, stream_options=options))
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].delta.role is None for chunk in chunks[1:-1])
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0
    assert chunks[-2].choices[0].finish_reason == "stop"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    whole = client.chat.completions.create(model="gpt-4o", messages=user("[[sim:long chunks=40]]"))
    assert text == whole.choices[0].message.content


def test_stream_helper(client):
    with client.chat.completions.stream(model="gpt-4o", messages=user("hello")) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds and "content.done" in kinds
    assert final.choices[0].message.content == "You said: hello"


def run_tools(client, model, scenario, streamed, keep_extra):
    messages = user(f"[[sim:{scenario}]] go")
    for _ in range(5):
        if streamed:
            with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as stream:
                for _ in stream:
                    pass
                message = stream.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(model=model, messages=messages, tools=TOOLS).choices[0].message
        if not message.tool_calls:
            return message.content
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
            for call in message.tool_calls
        ]
        if keep_extra:
            for kept, call in zip(calls, message.tool_calls):
                if extra := (call.model_extra or {}).get("extra_content"):
                    kept["extra_content"] = extra
        messages.append({"role": "assistant", "content": message.content, "tool_calls": calls})
        for call in calls:
            assert json.loads(call["function"]["arguments"]) == {"city": "text"}
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps({"degrees": 21})})
    raise AssertionError("the loop does not end")


@pytest.mark.parametrize("model", [GEMINI_3, "gemini-2.5-flash", "gpt-4o"])
@pytest.mark.parametrize("scenario", ["tool", "parallel calls=2", "tool steps=3"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("keep_extra", [False, True])
def test_tool_loop(client, model, scenario, streamed, keep_extra):
    text = run_tools(client, model, scenario, streamed, keep_extra)
    assert 'weather={"degrees":21}' in text


def test_parallel_calls(client):
    answer = client.chat.completions.create(model=GEMINI_3, messages=user("[[sim:parallel calls=2]]"), tools=TOOLS)
    calls = answer.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["weather", "clock"]
    assert len({call.id for call in calls}) == 2 and answer.choices[0].finish_reason == "tool_calls"


def test_forced_tool(client):
    choice = {"type": "function", "function": {"name": "clock"}}
    answer = client.chat.completions.create(model=GEMINI_3, messages=user("x"), tools=TOOLS, tool_choice=choice)
    assert answer.choices[0].message.tool_calls[0].function.name == "clock"


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


def test_parse(client):
    answer = client.chat.completions.parse(model="gpt-4o", messages=user("x"), response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="text", age=7, tags=["text"])


def test_json_mode(client):
    answer = client.chat.completions.create(model="gpt-4o", messages=user("x"), response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_image(client):
    parts = [{"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "You said: what is it"


def test_reasoning(client):
    answer = client.chat.completions.create(model=GEMINI_3, messages=user("[[sim:thinking]] x"), reasoning_effort="low")
    assert answer.choices[0].message.model_extra["reasoning_content"] == "The user wants an answer."
    assert answer.usage.completion_tokens_details.reasoning_tokens == 40


@pytest.mark.parametrize("scenario, finish", [("max_tokens", "length"), ("blocked", "content_filter"), ("safety", "content_filter")])
def test_finish_reasons(client, scenario, finish):
    answer = client.chat.completions.create(model="gpt-4o", messages=user(f"[[sim:{scenario}]]"), max_tokens=50, stop=["END"])
    assert answer.choices[0].finish_reason == finish
    if scenario == "blocked":
        assert "PROHIBITED_CONTENT" in answer.choices[0].message.refusal


def test_wrong_key():
    stranger = openai.OpenAI(base_url=BASE_URL, api_key="wrong-key-0000000000000000", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        stranger.models.list()
    assert raised.value.code == "invalid_api_key" and raised.value.request_id


def test_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gemini-0-nothing", messages=user("x"))
    assert raised.value.code == "model_not_found" and raised.value.param == "model"


@pytest.mark.parametrize("field, value, param", [
    ("messages", [{"role": "king", "content": "x"}], "messages[0].role"),
    ("temperature", 7, "temperature"),
    ("tools", [{"type": "function", "function": {"name": "a b"}}], "tools[0].function.name"),
])
def test_bad_requests_name_the_field(client, field, value, param):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{"model": "gpt-4o", "messages": user("x"), field: value})
    assert raised.value.param == param


def test_rate_limit_says_when(client):
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="gemini-2.5-pro", messages=user("[[sim:429_minute retry=20]]"))
    assert 18 <= int(raised.value.response.headers["retry-after"]) <= 20


def test_context_length(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="gpt-4o", messages=user("[[sim:too_long]]"))
    assert raised.value.code == "context_length_exceeded"


@pytest.mark.parametrize("scenario", ["mid_error", "mid_error_bare", "eof", "truncated", "reset"])
def test_broken_streams_raise(client, scenario):
    seen = ""
    with pytest.raises(openai.APIError):
        for chunk in client.chat.completions.create(model="gpt-4o", messages=user(f"[[sim:{scenario}]] a text in more than one piece"), stream=True):
            assert chunk.choices[0].finish_reason is None
            seen += chunk.choices[0].delta.content or ""
    assert seen.startswith("You said")


def test_models(client):
    ids = [model.id for model in client.models.list()]
    assert "gpt-4o" in ids and "gemini-2.5-flash" in ids
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


def test_leaving_a_stream(client):
    stream = client.chat.completions.create(model="gpt-4o", messages=user("[[sim:long chunks=1000 gap_ms=20]]"), stream=True)
    next(iter(stream))
    stream.close()


def test_async():
    async def ask():
        async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=CLIENT_KEY) as client:
            answers = await asyncio.gather(*(client.chat.completions.create(model="gpt-4o", messages=user(f"n{n}")) for n in range(20)))
            stream = await client.chat.completions.create(model="gpt-4o", messages=user("async"), stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        return [answer.choices[0].message.content for answer in answers], text

    answers, text = asyncio.run(ask())
    assert answers == [f"You said: n{n}" for n in range(20)] and text == "You said: async"


def published_fields(annotation, path=""):
    """Yields the path of every request field that the SDK declares; `[]` stands for each member of a list."""
    while typing_extensions.get_origin(annotation) in (typing_extensions.Required, typing_extensions.Annotated):
        annotation = typing_extensions.get_args(annotation)[0]
    arguments = typing_extensions.get_args(annotation)
    if typing_extensions.is_typeddict(annotation):
        for name, inner in typing_extensions.get_type_hints(annotation, include_extras=True).items():
            inner_path = f"{path}.{name}" if path else name
            yield inner_path
            if inner_path.count(".") < 8:
                yield from published_fields(inner, inner_path)
    elif typing_extensions.get_origin(annotation) in (typing.Union, types.UnionType):
        for alternative in arguments:
            yield from published_fields(alternative, path)
    elif arguments and typing_extensions.get_origin(annotation) is not dict:
        for member in arguments:
            yield from published_fields(member, path + "[]")


def test_every_published_field_has_a_verdict():
    page = pathlib.Path(__file__).parents[3] / "docs" / "translation.md"
    told = [line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    fields = set(published_fields(completion_create_params.CompletionCreateParamsBase)) | {"stream"}
    assert len(fields) > 100

    def has_verdict(field):
        above = any(field == row or field.startswith((row + ".", row + "[]")) for row in told)
        return above or any(row.startswith((field + ".", field + "[]")) for row in told)

    assert [field for field in sorted(fields) if not has_verdict(field)] == []


GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "openai_chat"


def test_golden_answers_are_what_openai_publishes():
    """The SDK's types are generated from OpenAI's published schema. The SDK does not validate what it reads, so this test does."""
    answers = [json.loads(file.read_text()) for file in GOLDEN.glob("*/answer.json")]
    answers = [answer for answer in answers if "fault" not in answer]
    events = [line for file in GOLDEN.glob("*/answer.sse") for line in file.read_text().splitlines()]
    # OpenAI streams calls of custom tools, but its schema has only those of functions.
    published = [line for line in events if line.startswith('data: {"id"') and '"custom"' not in line]
    chunks = [json.loads(line[6:]) for line in published]
    assert len(answers) > 10 and len(chunks) > 30
    for answer in answers:
        ChatCompletion.model_validate(answer)
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
