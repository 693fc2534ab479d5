"""OpenAI's Responses API with its Python SDK and its Agents SDK, against a running server. `scripts/test` starts the server and the
stand-in Gemini."""

import asyncio
import json
import os

import agents
import openai
import pytest
from pydantic import BaseModel

BASE_URL = os.environ["BASE_URL"]
CLIENT_KEY = os.environ["CLIENT_KEY"]
MODEL = "gemini-3.8-flash"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def function(name):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
    return {"type": "function", "name": name, "description": name, "parameters": schema, "strict": True}


TOOLS = [function("weather"), function("clock")]


@pytest.fixture(scope="module")
def client():
    return openai.OpenAI(base_url=BASE_URL, api_key=CLIENT_KEY, max_retries=0, timeout=60)


def test_create(client):
    answer = client.responses.create(model="gpt-4o", instructions="Be brief.", input="Grüße, 世界")
    assert answer.output_text == "You said: Grüße, 世界"
    assert answer.status == "completed" and answer.model == "gpt-4o" and answer.instructions == "Be brief."
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0


def test_stream(client):
    events = list(client.responses.create(model="gpt-4o", input="[[sim:long chunks=40]]", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].response.output_text == text
    with client.responses.stream(model="gpt-4o", input="[[sim:long chunks=40]]") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == text


def test_web_search(client):
    terms = {
        "model": MODEL, "input": "[[sim:search]] who", "tools": [{"type": "web_search"}],
        "include": ["web_search_call.action.sources"],
    }
    whole = client.responses.create(**terms)
    with client.responses.stream(**terms) as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_response()
    for answer in (whole, streamed):
        said, search = answer.output
        (cited,) = said.content[0].annotations
        assert said.content[0].text[cited.start_index : cited.end_index] == "You said: who" and cited.url == "https://example.com/found"
        assert search.status == "completed" and search.action.queries == ["who"] and search.action.sources[0].url == cited.url
    assert [kind for kind in kinds if "web_search_call" in kind] == [
        f"response.web_search_call.{step}" for step in ("in_progress", "searching", "completed")
    ]


def test_files(client):
    parts = [
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"},
        {"type": "input_text", "text": "what is it"},
    ]
    assert client.responses.create(model="gpt-4o", input=[{"role": "user", "content": parts}]).output_text == "You said: what is it"


@pytest.mark.parametrize("model", [MODEL, "gemini-2.5-flash"])
@pytest.mark.parametrize("scenario", ["tool", "parallel calls=2", "tool steps=3"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("way", ["goes on", "carries", "ids"])
def test_tool_loop(client, model, scenario, streamed, way):
    items = [{"role": "user", "content": f"[[sim:{scenario}]] go"}]
    terms = {"model": model, "tools": TOOLS, "store": way == "goes on"}
    if way == "carries":
        terms["include"] = ["reasoning.encrypted_content"]
    for _ in range(5):
        if streamed:
            with client.responses.stream(input=items, **terms) as stream:
                for _ in stream:
                    pass
                answer = stream.get_final_response()
        else:
            answer = client.responses.create(input=items, **terms)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            assert 'weather={"degrees":21}' in answer.output_text
            return
        assert all(json.loads(call.arguments) == {"city": "text"} for call in calls)
        results = [{"type": "function_call_output", "call_id": call.call_id, "output": json.dumps({"degrees": 21})} for call in calls]
        if way == "goes on":
            terms["previous_response_id"] = answer.id
            items = results
        else:
            items = [*items, *answer.output, *results]
    raise AssertionError("the loop does not end")


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


def test_parse(client):
    answer = client.responses.parse(model="gpt-4o", input="x", text_format=Person)
    assert answer.output_parsed == Person(name="text", age=7, tags=["text"])


def test_kept(client):
    first = client.responses.create(model="gpt-4o", input="one")
    second = client.responses.create(model="gpt-4o", input="two", previous_response_id=first.id)
    assert client.responses.retrieve(first.id).output_text == "You said: one"
    assert [item.content[0].text for item in client.responses.input_items.list(second.id, order="asc")] == ["one", "You said: one", "two"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model="gpt-4o", input="x", previous_response_id=first.id)
    assert raised.value.code == "previous_response_not_found"


def test_reasoning(client):
    answer = client.responses.create(model=MODEL, input="[[sim:thinking]] x", reasoning={"effort": "low", "summary": "auto"})
    assert answer.output[0].summary[0].text == "The user wants an answer."
    assert answer.usage.output_tokens_details.reasoning_tokens == 40


@pytest.mark.parametrize("scenario, reason", [("max_tokens", "max_output_tokens"), ("blocked", "content_filter")])
def test_incomplete(client, scenario, reason):
    answer = client.responses.create(model="gpt-4o", input=f"[[sim:{scenario}]]", max_output_tokens=50)
    assert answer.status == "incomplete" and answer.incomplete_details.reason == reason


def test_broken_stream_is_failed(client):
    events = list(client.responses.create(model="gpt-4o", input="[[sim:mid_error]] a text in more than one piece", stream=True))
    assert events[-1].type == "response.failed" and events[-1].response.error.message


def test_bad_requests_name_the_field(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model="gpt-4o", input=[{"role": "king", "content": "x"}])
    assert raised.value.param == "input[0].role"


@agents.function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    return json.dumps({"degrees": 21})


@pytest.fixture
def agent():
    agents.set_tracing_disabled(True)
    model = agents.OpenAIResponsesModel(model=MODEL, openai_client=openai.AsyncOpenAI(base_url=BASE_URL, api_key=CLIENT_KEY))
    return agents.Agent(name="a", instructions="Use tools.", model=model, tools=[weather])


def test_agent(agent):
    result = asyncio.run(agents.Runner.run(agent, "[[sim:tool steps=3]] go"))
    assert 'weather={"degrees":21}' in result.final_output


def test_agent_streamed(agent):
    async def run():
        result = agents.Runner.run_streamed(agent, "[[sim:tool]] go")
        kinds = {event.type async for event in result.stream_events()}
        return kinds, result.final_output

    kinds, output = asyncio.run(run())
    assert "raw_response_event" in kinds and 'weather={"degrees":21}' in output
