"""Event stream framing: the same events for any split."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.providers.sse import Framer, parse

STREAMS = st.lists(
    st.sampled_from(
        [
            b"data: a",
            b"data:b",
            b"data",
            b": note",
            b"event: x",
            b"id: 7",
            b"retry: 10",
            b"data: \xc3\xa9",
            b"\xef\xbb\xbf",
        ]
        + [b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\r"] * 2
    ),
    max_size=30,
).map(b"".join)


def framed(pieces: list[bytes], limit: int = 10_000) -> tuple[list[bytes], bytes]:
    framer = Framer(limit)
    found = [raw for piece in pieces for raw in framer.feed(piece)]
    return found, framer.close()


@given(STREAMS, st.data())
def test_any_split_gives_the_same_events_and_joined_they_are_the_input(stream: bytes, data: st.DataObject) -> None:
    whole = framed([stream])
    assert b"".join(whole[0]) + whole[1] == stream
    assert framed([stream[at : at + 1] for at in range(len(stream))]) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    assert framed([stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]) == whole


def reference(stream: bytes) -> list[tuple[str, str]]:
    """The WHATWG's algorithm, written down naively."""
    text = stream.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    dispatched, name, data = [], "", []
    for line in text.split("\n")[:-1]:
        if not line:
            if data:
                dispatched.append((name, "\n".join(data)))
            name, data = "", []
        elif not line.startswith(":"):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "event":
                name = value
            elif key == "data":
                data.append(value)
    return dispatched


@given(STREAMS.filter(lambda stream: b"\xef\xbb\xbf" not in stream))
@example(b"data: a\r\ndata: b\r\r\ndata: c\n\r")
@example(b"\n\ndata: a\n\n\n: x\n\n")
def test_events_are_those_of_the_standard(stream: bytes) -> None:
    framer = Framer()
    stream += b"\n"  # a CR at the very end has its LF
    events = [parse(raw) for raw in framer.feed(stream)]
    given_out = [(event.event, (event.data or b"").decode()) for event in events if event.data is not None]
    assert given_out == reference(stream[: len(stream) - len(framer.close())])


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    event = parse(b"\xef\xbb\xbfdata: a\n\n")
    assert (event.data, event.strange) == (b"a", False)


def test_fields_are_read() -> None:
    event = parse(b": c\nevent: e\nid: 5\nretry: 30\ndata: one\r\ndata:  two\n\n")
    assert (event.event, event.id, event.retry, event.data) == ("e", "5", 30, b"one\n two")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_data_is_replaced_line_by_line(end: bytes) -> None:
    raw = end.join([b"event: e", b"data: one", b": between", b"data:two", b"", b""])
    event = parse(raw)
    assert event.data == b"one\ntwo"
    assert event.with_data(b"one\ntwo") == raw
    assert event.with_data(b"1\n22") == raw.replace(b"one", b"1").replace(b"two", b"22")


def test_a_line_that_is_no_field_is_strange() -> None:
    assert parse(b'{"error": "x"}\n\n').strange


def test_a_frame_over_the_limit_is_given_out_and_said() -> None:
    framer = Framer(10)
    assert framer.feed(b"data: 0123456789") == [b"data: 0123456789"]
    assert framer.overflowed


def test_many_small_pieces_take_linear_time() -> None:
    framer = Framer(1_000_000)
    for _ in range(200_000):
        framer.feed(b"x")
    assert len(framer.close()) == 200_000
