"""A value planted in any place of any wire format is in a segment, and redacting it there removes it from the body."""

# ruff: noqa: E501 - a table reads best with one case a line

import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from proxy.exchange import Document, Edit
from proxy.providers.registry import codecs

CODECS = codecs()
PLANTED = 'Jörg "Ünal" 😀 jorg@example.com'  # quotes, an umlaut and a code point that JSON may write as a pair
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "openai_embeddings": "/v1/embeddings",
    "anthropic_messages": "/v1/messages",
    "gemini_generate": "/v1beta/models/gemini-2.5-flash:generateContent",
}
KEY = "a key: " + PLANTED
INNER = json.dumps({"to": PLANTED, "nested": [{"deep": PLANTED}]})

REQUESTS: Mapping[str, Mapping[str, object]] = {
    "openai_chat": {
        "system": {"messages": [{"role": "system", "content": PLANTED}]},
        "developer parts": {"messages": [{"role": "developer", "content": [{"type": "text", "text": PLANTED}]}]},
        "first turn": {"messages": [{"role": "user", "content": PLANTED}, {"role": "user", "content": "and"}]},
        "assistant turn": {"messages": [{"role": "assistant", "content": PLANTED}]},
        "assistant refusal": {"messages": [{"role": "assistant", "refusal": PLANTED}]},
        "refusal part": {"messages": [{"role": "assistant", "content": [{"type": "refusal", "refusal": PLANTED}]}]},
        "reasoning": {"messages": [{"role": "assistant", "reasoning_content": PLANTED}]},
        "tool result": {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": PLANTED}]},
        "tool result as JSON": {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": INNER}]},
        "tool-call arguments": {
            "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": INNER}}]}]
        },
        "tool-call arguments cut short": {
            "messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": f'{{"to": "{PLANTED}'}}]}]
        },
        "tool-call argument key": {
            "messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": json.dumps({KEY: 1})}}]}]
        },
        "custom tool input": {"messages": [{"role": "assistant", "tool_calls": [{"custom": {"input": PLANTED}}]}]},
        "tool-call name": {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": PLANTED}}]}]},
        "tool-call id": {"messages": [{"role": "assistant", "tool_calls": [{"id": PLANTED}]}]},
        "function_call": {"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": INNER}}]},
        "name": {"messages": [{"role": "user", "name": PLANTED, "content": "x"}]},
        "role": {"messages": [{"role": PLANTED, "content": "x"}]},
        "image URL": {"messages": [{"content": [{"type": "image_url", "image_url": {"url": PLANTED}}]}]},
        "image detail": {"messages": [{"content": [{"image_url": {"url": "x", "detail": PLANTED}}]}]},
        "file name": {"messages": [{"content": [{"type": "file", "file": {"filename": PLANTED, "file_id": "f"}}]}]},
        "file id": {"messages": [{"content": [{"type": "file", "file": {"file_id": PLANTED}}]}]},
        "file data in clear": {"messages": [{"content": [{"type": "file", "file": {"file_data": PLANTED}}]}]},
        "audio data in clear": {"messages": [{"content": [{"input_audio": {"data": PLANTED, "format": "wav"}}]}]},
        "tool name": {"tools": [{"type": "function", "function": {"name": PLANTED}}]},
        "tool description": {"tools": [{"type": "function", "function": {"name": "f", "description": PLANTED}}]},
        "tool schema": {"tools": [{"function": {"parameters": {"properties": {"a": {"description": PLANTED}}}}}]},
        "tool schema enum": {"tools": [{"function": {"parameters": {"properties": {"a": {"enum": [PLANTED]}}}}}]},
        "tool schema key": {"tools": [{"function": {"parameters": {"properties": {KEY: {"type": "string"}}}}}]},
        "custom tool grammar": {"tools": [{"custom": {"format": {"grammar": {"definition": PLANTED}}}}]},
        "functions": {"functions": [{"name": "f", "description": PLANTED}]},
        "tool choice": {"tool_choice": {"type": "function", "function": {"name": PLANTED}}},
        "prediction": {"prediction": {"type": "content", "content": PLANTED}},
        "prediction parts": {"prediction": {"content": [{"type": "text", "text": PLANTED}]}},
        "answer schema": {"response_format": {"json_schema": {"name": "n", "schema": {"description": PLANTED}}}},
        "metadata": {"metadata": {"customer": PLANTED}},
        "metadata key": {"metadata": {KEY: "x"}},
        "user": {"user": PLANTED},
        "safety identifier": {"safety_identifier": PLANTED},
        "cache key": {"prompt_cache_key": PLANTED},
        "stop": {"stop": PLANTED},
        "stop list": {"stop": ["a", PLANTED]},
        "search location": {"web_search_options": {"user_location": {"approximate": {"city": PLANTED}}}},
        "logit bias key": {"logit_bias": {KEY: 1}},
        "model": {"model": PLANTED},
        "unknown key": {"tomorrow": {"deep": [[{"er": PLANTED}]]}},
        "key of unknown object": {"tomorrow": {KEY: None}},
        "top-level key": {KEY: True},
        "content of a wrong type": {"messages": {"content": {"odd": PLANTED}}},
        "messages as text": {"messages": PLANTED},
        "temperature as text": {"temperature": PLANTED},
        "stream as text": {"stream": PLANTED},
        "log probabilities in a request": {"messages": [{"logprobs": {"content": [{"token": "a", "top_logprobs": [{"token": PLANTED}]}]}}]},
    },
    "openai_responses": {
        "input text": {"input": PLANTED},
        "instructions": {"instructions": PLANTED},
        "message": {"input": [{"role": "user", "content": PLANTED}]},
        "message parts": {"input": [{"type": "message", "content": [{"type": "input_text", "text": PLANTED}]}]},
        "output text": {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": PLANTED}]}]},
        "annotation": {"input": [{"content": [{"type": "output_text", "annotations": [{"title": PLANTED}]}]}]},
        "refusal": {"input": [{"role": "assistant", "content": [{"type": "refusal", "refusal": PLANTED}]}]},
        "function call": {"input": [{"type": "function_call", "name": "f", "call_id": "c", "arguments": INNER}]},
        "function output": {"input": [{"type": "function_call_output", "call_id": "c", "output": PLANTED}]},
        "function output JSON": {"input": [{"type": "function_call_output", "call_id": "c", "output": INNER}]},
        "function output parts": {"input": [{"type": "function_call_output", "output": [{"text": PLANTED}]}]},
        "custom call": {"input": [{"type": "custom_tool_call", "input": PLANTED}]},
        "custom output": {"input": [{"type": "custom_tool_call_output", "output": PLANTED}]},
        "MCP call": {"input": [{"type": "mcp_call", "arguments": INNER, "output": "o"}]},
        "MCP output": {"input": [{"type": "mcp_call", "output": PLANTED}]},
        "shell action": {"input": [{"type": "local_shell_call", "action": {"command": ["echo", PLANTED]}}]},
        "shell environment key": {"input": [{"type": "local_shell_call", "action": {"env": {KEY: "1"}}}]},
        "shell output": {"input": [{"type": "shell_call_output", "output": [{"stdout": PLANTED}]}]},
        "patch": {"input": [{"type": "apply_patch_call", "operation": {"diff": PLANTED, "path": "a"}}]},
        "computer action": {"input": [{"type": "computer_call", "action": {"type": "type", "text": PLANTED}}]},
        "reasoning summary": {"input": [{"type": "reasoning", "summary": [{"text": PLANTED}]}]},
        "sealed reasoning in clear": {"input": [{"type": "compaction", "id": "c", "x": PLANTED}]},
        "code": {"input": [{"type": "code_interpreter_call", "code": PLANTED}]},
        "search query": {"input": [{"type": "file_search_call", "queries": [PLANTED]}]},
        "file name": {"input": [{"content": [{"type": "input_file", "filename": PLANTED, "file_id": "f"}]}]},
        "file URL": {"input": [{"content": [{"type": "input_file", "file_url": PLANTED}]}]},
        "prompt variable": {"prompt": {"id": "p", "variables": {"city": PLANTED}}},
        "prompt variable key": {"prompt": {"id": "p", "variables": {KEY: "x"}}},
        "tool description": {"tools": [{"type": "function", "name": "f", "description": PLANTED}]},
        "tool schema": {"tools": [{"type": "function", "parameters": {"properties": {"a": {"default": PLANTED}}}}]},
        "MCP URL": {"tools": [{"type": "mcp", "server_label": "s", "server_url": PLANTED}]},
        "MCP header": {"tools": [{"type": "mcp", "headers": {"Authorization": PLANTED}}]},
        "MCP header name": {"tools": [{"type": "mcp", "headers": {KEY: "x"}}]},
        "metadata": {"metadata": {"k": PLANTED}},
        "user": {"user": PLANTED},
        "answer schema": {"text": {"format": {"type": "json_schema", "schema": {"title": PLANTED}}}},
        "conversation": {"conversation": PLANTED},
        "previous response": {"previous_response_id": PLANTED},
        "unknown item": {"input": [{"type": "next_year", "payload": {"x": [PLANTED]}}]},
    },
    "openai_embeddings": {
        "input": {"input": PLANTED},
        "input list": {"input": ["x", PLANTED]},
        "user": {"user": PLANTED},
        "model": {"model": PLANTED},
        "unknown key": {"extra": {KEY: PLANTED}},
    },
    "anthropic_messages": {
        "system": {"system": PLANTED},
        "system blocks": {"system": [{"type": "text", "text": PLANTED, "cache_control": {"type": "ephemeral"}}]},
        "user": {"messages": [{"role": "user", "content": PLANTED}]},
        "system turn": {"messages": [{"role": "system", "content": PLANTED}]},
        "text block": {"messages": [{"role": "user", "content": [{"type": "text", "text": PLANTED}]}]},
        "assistant": {"messages": [{"role": "assistant", "content": PLANTED}]},
        "citation": {"messages": [{"content": [{"type": "text", "citations": [{"cited_text": PLANTED}]}]}]},
        "tool use": {"messages": [{"content": [{"type": "tool_use", "id": "t", "input": {"to": PLANTED}}]}]},
        "tool use key": {"messages": [{"content": [{"type": "tool_use", "id": "t", "input": {KEY: 1}}]}]},
        "tool use in protocol words": {"messages": [{"content": [{"type": "tool_use", "input": {"data": PLANTED, "type": PLANTED}}]}]},
        "tool result": {"messages": [{"content": [{"type": "tool_result", "content": PLANTED}]}]},
        "tool result JSON": {"messages": [{"content": [{"type": "tool_result", "content": INNER}]}]},
        "tool result blocks": {"messages": [{"content": [{"type": "tool_result", "content": [{"text": PLANTED}]}]}]},
        "search result": {"messages": [{"content": [{"type": "search_result", "title": PLANTED, "source": "s"}]}]},
        "search result source": {"messages": [{"content": [{"type": "search_result", "source": PLANTED}]}]},
        "document title": {"messages": [{"content": [{"type": "document", "title": PLANTED}]}]},
        "document context": {"messages": [{"content": [{"type": "document", "context": PLANTED}]}]},
        "document text": {
            "messages": [{"content": [{"source": {"type": "text", "media_type": "text/plain", "data": PLANTED}}]}]
        },
        "document blocks": {"messages": [{"content": [{"source": {"type": "content", "content": [{"text": PLANTED}]}}]}]},
        "image URL": {"messages": [{"content": [{"type": "image", "source": {"type": "url", "url": PLANTED}}]}]},
        "image data in clear": {
            "messages": [{"content": [{"source": {"type": "base64", "media_type": "image/png", "data": PLANTED}}]}]
        },
        "tool description": {"tools": [{"name": "f", "description": PLANTED}]},
        "tool name": {"tools": [{"name": PLANTED}]},
        "tool schema": {"tools": [{"name": "f", "input_schema": {"properties": {"a": {"const": PLANTED}}}}]},
        "tool schema key": {"tools": [{"name": "f", "input_schema": {"properties": {KEY: {}}}}]},
        "tool example": {"tools": [{"name": "f", "input_examples": [{"a": PLANTED}]}]},
        "user id": {"metadata": {"user_id": PLANTED}},
        "stop sequences": {"stop_sequences": ["x", PLANTED]},
        "MCP URL": {"mcp_servers": [{"type": "url", "name": "m", "url": PLANTED}]},
        "MCP token": {"mcp_servers": [{"authorization_token": PLANTED}]},
        "container": {"container": {"id": "c", "skills": [{"skill_id": PLANTED}]}},
        "answer schema": {"output_config": {"format": {"schema": {"description": PLANTED}}}},
        "unknown block": {"messages": [{"content": [{"type": "hologram", "beam": PLANTED}]}]},
        "unknown key": {"tomorrow": PLANTED},
    },
    "gemini_generate": {
        "text": {"contents": [{"role": "user", "parts": [{"text": PLANTED}]}]},
        "model turn": {"contents": [{"role": "model", "parts": [{"text": PLANTED}]}]},
        "contents as one object": {"contents": {"parts": {"text": PLANTED}}},
        "call": {"contents": [{"parts": [{"functionCall": {"name": "f", "args": {"to": PLANTED}}}]}]},
        "call key": {"contents": [{"parts": [{"function_call": {"name": "f", "args": {KEY: 1}}}]}]},
        "signed call": {
            "contents": [{"parts": [{"functionCall": {"args": {"to": PLANTED}}, "thoughtSignature": "//79/Pv6+fj39vX08/Lx8A=="}]}]
        },
        "result": {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {"out": PLANTED}}}]}]},
        "result snake": {"contents": [{"parts": [{"function_response": {"response": {"out": PLANTED}}}]}]},
        "code": {"contents": [{"parts": [{"executableCode": {"code": PLANTED, "language": "PYTHON"}}]}]},
        "code result": {"contents": [{"parts": [{"codeExecutionResult": {"output": PLANTED}}]}]},
        "file name": {"contents": [{"parts": [{"inlineData": {"displayName": PLANTED, "mimeType": "image/png"}}]}]},
        "inline data in clear": {"contents": [{"parts": [{"inline_data": {"data": PLANTED, "mime_type": "text/plain"}}]}]},
        "file URI": {"contents": [{"parts": [{"fileData": {"fileUri": PLANTED}}]}]},
        "system": {"systemInstruction": {"parts": [{"text": PLANTED}]}},
        "system snake": {"system_instruction": {"parts": [{"text": PLANTED}]}},
        "tool description": {"tools": [{"functionDeclarations": [{"name": "f", "description": PLANTED}]}]},
        "tool schema": {"tools": [{"function_declarations": [{"parameters": {"properties": {"a": {"enum": [PLANTED]}}}}]}]},
        "tool schema key": {"tools": [{"functionDeclarations": [{"parametersJsonSchema": {"properties": {KEY: {}}}}]}]},
        "answer schema": {"generationConfig": {"responseSchema": {"description": PLANTED}}},
        "stop": {"generationConfig": {"stopSequences": [PLANTED]}},
        "label": {"labels": {"team": PLANTED}},
        "label key": {"labels": {KEY: "x"}},
        "cached content": {"cachedContent": PLANTED},
        "wrapped request": {"generateContentRequest": {"model": "m", "contents": [{"parts": [{"text": PLANTED}]}]}},
        "unknown key": {"tomorrow": [{"x": PLANTED}]},
    },
}  # fmt: skip

ANSWERS: Mapping[str, Mapping[str, object]] = {
    "openai_chat": {
        "text": {"choices": [{"message": {"role": "assistant", "content": PLANTED}}]},
        "second choice": {"choices": [{"message": {"content": "x"}}, {"message": {"content": PLANTED}}]},
        "refusal": {"choices": [{"message": {"refusal": PLANTED}}]},
        "reasoning": {"choices": [{"message": {"reasoning_content": PLANTED}}]},
        "arguments": {"choices": [{"message": {"tool_calls": [{"function": {"arguments": INNER}}]}}]},
        "transcript": {"choices": [{"message": {"audio": {"id": "a", "transcript": PLANTED}}}]},
        "citation": {"choices": [{"message": {"annotations": [{"url_citation": {"title": PLANTED, "url": "u"}}]}}]},
        "tokens": {"choices": [{"logprobs": {"content": [{"token": part} for part in PLANTED.partition(" ")]}}]},
        "refusal tokens": {"choices": [{"logprobs": {"refusal": [{"token": PLANTED[:9]}, {"token": PLANTED[9:]}]}}]},
        "error": {"error": {"message": PLANTED, "type": "server_error"}},
        "unknown key": {"choices": [{"message": {"tomorrow": PLANTED}}]},
    },
    "openai_responses": {
        "text": {"output": [{"type": "message", "content": [{"type": "output_text", "text": PLANTED}]}]},
        "refusal": {"output": [{"content": [{"type": "refusal", "refusal": PLANTED}]}]},
        "arguments": {"output": [{"type": "function_call", "arguments": INNER}]},
        "custom input": {"output": [{"type": "custom_tool_call", "input": PLANTED}]},
        "summary": {"output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": PLANTED}]}]},
        "reasoning": {"output": [{"type": "reasoning", "content": [{"type": "reasoning_text", "text": PLANTED}]}]},
        "tokens": {"output": [{"content": [{"text": "x", "logprobs": [{"token": PLANTED, "logprob": -1}]}]}]},
        "echoed instructions": {"instructions": PLANTED, "output": []},
        "citation": {"output": [{"content": [{"annotations": [{"type": "url_citation", "title": PLANTED}]}]}]},
        "code": {"output": [{"type": "code_interpreter_call", "code": PLANTED, "outputs": [{"logs": PLANTED}]}]},
    },
    "openai_embeddings": {"unknown key": {"data": [], "note": PLANTED}},
    "anthropic_messages": {
        "text": {"content": [{"type": "text", "text": PLANTED}]},
        "tool use": {"content": [{"type": "tool_use", "name": "f", "input": {"to": PLANTED}}]},
        "search result": {"content": [{"type": "web_search_tool_result", "content": [{"title": PLANTED}]}]},
        "code output": {"content": [{"type": "code_execution_tool_result", "content": {"stdout": PLANTED}}]},
        "explanation": {"stop_details": {"type": "refusal", "explanation": PLANTED}},
        "stop sequence": {"stop_sequence": PLANTED},
    },
    "gemini_generate": {
        "text": {"candidates": [{"content": {"role": "model", "parts": [{"text": PLANTED}]}}]},
        "unsigned thought": {"candidates": [{"content": {"parts": [{"thought": True, "text": PLANTED}]}}]},
        "call": {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"to": PLANTED}}}]}}]},
        "finish message": {"candidates": [{"finishMessage": PLANTED}]},
        "grounding": {"candidates": [{"groundingMetadata": {"groundingChunks": [{"web": {"title": PLANTED}}]}}]},
        "search entry": {"candidates": [{"groundingMetadata": {"searchEntryPoint": {"renderedContent": PLANTED}}}]},
        "citation": {"candidates": [{"citationMetadata": {"citations": [{"uri": PLANTED}]}}]},
        "tokens": {"candidates": [{"logprobsResult": {"chosenCandidates": [{"token": PLANTED, "tokenId": 5}]}}]},
        "stream as one array": [{"candidates": [{"content": {"parts": [{"text": PLANTED}]}}]}],
    },
}  # fmt: skip


def rows(table: Mapping[str, Mapping[str, object]]) -> Iterator[object]:
    for name, places in table.items():
        for place, body in places.items():
            yield pytest.param(name, body, id=f"{name}-{place}")


def encodings() -> Iterator[Callable[[object], bytes]]:
    yield lambda body: json.dumps(body).encode()
    yield lambda body: json.dumps(body, ensure_ascii=False, indent=1).encode()


def redacted(document: Document) -> list[Edit]:
    """Return edits as a detector would cause them: each occurrence of the planted value and nothing around it."""
    edits = []
    for segment in document.segments:
        at = segment.text.find(PLANTED)
        while at >= 0:
            edits.append(Edit(segment.ref, at, at + len(PLANTED), "<GONE>"))
            at = segment.text.find(PLANTED, at + 1)
    return edits


def remains(rendered: bytes) -> bool:
    """Return whether the planted value is anywhere in a body, also inside JSON in strings."""

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
            try:
                inner = json.loads(value)
            except ValueError:
                return
            if not isinstance(inner, str):
                yield from texts(inner)
        elif isinstance(value, dict):
            for key, one in value.items():
                yield key
                yield from texts(one)
        elif isinstance(value, list):
            for one in value:
                yield from texts(one)

    joined = " ".join(texts(json.loads(rendered)))
    return "jorg@" in joined or "Ünal" in joined


@pytest.mark.parametrize("encode", list(encodings()), ids=["ascii", "utf8"])
@pytest.mark.parametrize(("name", "body"), list(rows(REQUESTS)))
def test_value_planted_in_a_request_is_seen_and_can_be_redacted(
    name: str, body: object, encode: Callable[[object], bytes]
) -> None:
    raw = encode(body)
    codec = CODECS[name]
    document = codec.parse_request(raw, PATHS[name])
    assert codec.render(document, ()) is raw
    edits = redacted(document)
    assert edits
    assert not document.skipped
    assert not remains(codec.render(document, edits))


@pytest.mark.parametrize("encode", list(encodings()), ids=["ascii", "utf8"])
@pytest.mark.parametrize(("name", "body"), list(rows(ANSWERS)))
def test_value_planted_in_an_answer_is_seen_and_can_be_redacted(
    name: str, body: object, encode: Callable[[object], bytes]
) -> None:
    raw = encode(body)
    codec = CODECS[name]
    document = codec.parse_response(raw)
    assert codec.render(document, ()) is raw
    edits = redacted(document)
    assert edits
    assert not document.skipped
    assert not remains(codec.render(document, edits))


@pytest.mark.parametrize(("name", "body"), [*rows(REQUESTS), *rows(ANSWERS)])
def test_refs_are_unique_and_hold_no_clear_value(name: str, body: object) -> None:
    document = CODECS[name].parse_request(json.dumps(body).encode(), PATHS[name])
    refs = [segment.ref for segment in document.segments]
    assert len(refs) == len(set(refs))
    assert not any("jorg" in ref or "a key" in ref for ref in refs)
