"""OpenAI's Python SDK against the endpoints besides chat: embeddings, images, speech and transcriptions."""

import base64
import io
import math
import os
import wave

import openai
import pytest

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def client():
    return openai.OpenAI(
        base_url=os.environ["BASE_URL"], api_key=os.environ["CLIENT_KEY"], max_retries=0, timeout=60
    )


def test_vectors_have_length_one(client):
    # By default, the SDK requests base64 and decodes it.
    answer = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=64)
    numbers = client.embeddings.create(
        model="text-embedding-3-small", input=["a", "b"], dimensions=64, encoding_format="float"
    )
    assert [len(each.embedding) for each in answer.data] == [64, 64]
    for one, other in zip(answer.data, numbers.data):
        assert one.index == other.index
        assert max(abs(a - b) for a, b in zip(one.embedding, other.embedding)) < 1e-6
        assert math.isclose(sum(value**2 for value in one.embedding), 1, abs_tol=1e-5)
    assert answer.usage.prompt_tokens > 0


def test_many_texts(client):
    texts = [f"text {number}" for number in range(230)]
    answer = client.embeddings.create(model="gemini-embedding-2", input=texts, dimensions=8)
    assert [each.index for each in answer.data] == list(range(230))
    alone = client.embeddings.create(model="gemini-embedding-2", input=texts[210], dimensions=8)
    assert alone.data[0].embedding == answer.data[210].embedding


def test_tokens_are_refused_in_words(client):
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length"):
        client.embeddings.create(model="text-embedding-3-small", input=[[15339]])


def test_pictures(client):
    answer = client.images.generate(model="gpt-image-1", prompt="a cat", n=2, size="1536x1024")
    assert [base64.b64decode(image.b64_json) for image in answer.data] == [PIXEL, PIXEL]
    assert answer.usage.total_tokens > 0
    by_url = client.images.generate(model="dall-e-3", prompt="a cat", response_format="url")
    assert by_url.data[0].url.startswith("data:image/png;base64,")


def test_pictures_after_others(client):
    pictures = [("a.png", PIXEL, "image/png"), ("b.png", PIXEL, "image/png")]
    answer = client.images.edit(model="gpt-image-1", image=pictures, prompt="more", n=2)
    assert len(answer.data) == 2
    alone = client.images.edit(model="gpt-image-1", image=io.BytesIO(PIXEL), prompt="more")
    assert base64.b64decode(alone.data[0].b64_json) == PIXEL


def test_a_picture_that_is_held_back(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model="gpt-image-1", prompt="[[sim:safety]]")
    assert refused.value.code == "moderation_blocked"


def test_speech(client):
    spoken = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello", response_format="wav")
    with wave.open(io.BytesIO(spoken.content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24000)
        assert file.getnframes() * 2 + 44 == len(spoken.content)
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="Puck", input="Hello", response_format="pcm"
    ) as stream:
        assert b"".join(stream.iter_bytes()) == spoken.content[44:]


def test_sounds_written_down(client):
    sound = lambda: ("hello.mp3", io.BytesIO(b"ID3sound"), "audio/mpeg")
    answer = client.audio.transcriptions.create(model="whisper-1", file=sound())
    assert answer.text.startswith("You said: Transcribe")
    verbose = client.audio.transcriptions.create(model="whisper-1", file=sound(), response_format="verbose_json")
    assert [segment.text for segment in verbose.segments] == ["text"]
    captions = client.audio.transcriptions.create(model="whisper-1", file=sound(), response_format="vtt")
    assert captions.startswith("WEBVTT")
    stream = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound(), stream=True)
    events = list(stream)
    assert events[-1].type == "transcript.text.done"
    assert "".join(event.delta for event in events[:-1]) == events[-1].text == answer.text
    english = client.audio.translations.create(model="whisper-1", file=sound())
    assert "English" in english.text
