"""Google's Python SDK against a running server: the native API, with a client key in place of a Google key."""

import asyncio
import os

import pytest
from google import genai
from google.genai import errors, types

SERVER = os.environ["BASE_URL"].removesuffix("/v1")
MODEL = "gemini-3.8-flash"


# v1 is the SDK's default, v1beta what most other clients use.
@pytest.fixture(scope="module", params=["v1", "v1beta"])
def client(request):
    options = types.HttpOptions(base_url=SERVER, api_version=request.param)
    return genai.Client(api_key=os.environ["CLIENT_KEY"], http_options=options)


def test_whole_and_streamed(client):
    whole = client.models.generate_content(model=MODEL, contents="Grüße, 世界")
    assert whole.text == "You said: Grüße, 世界"
    assert whole.usage_metadata.total_token_count > 0
    pieces = list(client.models.generate_content_stream(model=MODEL, contents="Grüße, 世界, in several pieces"))
    assert len(pieces) > 1
    assert "".join(piece.text or "" for piece in pieces) == "You said: Grüße, 世界, in several pieces"
    assert client.models.generate_content(model="gpt-4o", contents="hi").text == "You said: hi"


def test_async(client):
    async def run():
        whole = await client.aio.models.generate_content(model=MODEL, contents="hi")
        stream = await client.aio.models.generate_content_stream(model=MODEL, contents="hi")
        return whole.text, "".join([piece.text or "" async for piece in stream])

    assert asyncio.run(run()) == ("You said: hi", "You said: hi")


def test_a_tool_loop_of_three_turns(client):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    function = types.FunctionDeclaration(name="weather", description="w", parameters_json_schema=schema)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])])
    contents = [types.Content(role="user", parts=[types.Part(text="[[sim:tool steps=3]] go")])]
    for _ in range(3):
        # The stand-in rejects a function call that is sent back without its signature.
        answer = client.models.generate_content(model=MODEL, contents=contents, config=config)
        [call] = answer.function_calls
        contents.append(answer.candidates[0].content)
        result = types.Part.from_function_response(name=call.name, response={"degrees": 18})
        contents.append(types.Content(role="user", parts=[result]))
    answer = client.models.generate_content(model=MODEL, contents=contents, config=config)
    assert answer.text.startswith("Results: weather=")


def test_counting_and_vectors(client):
    assert client.models.count_tokens(model=MODEL, contents="hello").total_tokens > 0
    answer = client.models.embed_content(
        model="gemini-embedding-001", contents=["a", "b"], config={"output_dimensionality": 8}
    )
    assert [len(each.values) for each in answer.embeddings] == [8, 8]


def test_pictures(client):
    drawn = client.models.generate_content(
        model="gemini-3.1-flash-image", contents="a cat", config={"response_modalities": ["TEXT", "IMAGE"]}
    )
    assert drawn.candidates[0].content.parts[-1].inline_data.mime_type == "image/png"


def test_models(client):
    names = [model.name for model in client.models.list(config={"page_size": 7})]
    assert len(names) == len(set(names)) > 7
    assert client.models.get(model=MODEL).name == f"models/{MODEL}"


def test_errors(client):
    with pytest.raises(errors.ClientError) as refused:
        client.models.generate_content(model="gemini-nothing", contents="hi")
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
    with pytest.raises(errors.ServerError) as broken:
        list(client.models.generate_content_stream(model=MODEL, contents="[[sim:mid_error after=1]] " + "word " * 20))
    assert broken.value.code == 503
    stranger = genai.Client(api_key="wrong", http_options=types.HttpOptions(base_url=SERVER))
    with pytest.raises(errors.ClientError) as unknown:
        stranger.models.generate_content(model=MODEL, contents="hi")
    assert (unknown.value.code, unknown.value.status) == (401, "UNAUTHENTICATED")


def test_files(client, tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("a note of some length " * 1000)
    file = client.files.upload(file=str(path), config={"display_name": "note"})
    assert (file.state, file.size_bytes) == (types.FileState.ACTIVE, path.stat().st_size)
    for _ in range(4):
        answer = client.models.generate_content(model=MODEL, contents=["what is it?", file])
        assert answer.text == "You said: what is it?"
    assert client.files.get(name=file.name).display_name == "note"
    assert file.name in [each.name for each in client.files.list(config={"page_size": 1})]
    client.files.delete(name=file.name)
    with pytest.raises(errors.ClientError):
        client.files.get(name=file.name)


def test_caches(client):
    config = types.CreateCachedContentConfig(contents="word " * 1200, display_name="words", ttl="600s")
    cache = client.caches.create(model="gemini-2.5-flash", config=config)
    for _ in range(4):
        answer = client.models.generate_content(
            model="gemini-2.5-flash", contents="hi", config={"cached_content": cache.name}
        )
        assert answer.text == "You said: hi"
    longer = client.caches.update(name=cache.name, config={"ttl": "1200s"})
    assert longer.expire_time > cache.expire_time
    assert client.caches.get(name=cache.name).name == cache.name
    assert cache.name in [each.name for each in client.caches.list()]
    client.caches.delete(name=cache.name)
    with pytest.raises(errors.ClientError):
        client.caches.get(name=cache.name)
