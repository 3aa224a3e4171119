import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployer.routing.known_head import RequestMemory, ResponseMemory
from deployer.routing.messages import (
    Field,
    RequestHead,
    ResponseHead,
    check_request,
    read_request_head,
    read_response_head,
)

POST = (
    b"POST /infer?q=1 HTTP/1.1\r\nHost: iris\r\nX-One: a\r\ncontent-LENGTH:  12\r\nX-Two: b\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: iris\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ndate: today\r\nContent-Length: 12\r\nServer: x\r\n\r\n"
BODY = b'{"inputs":1}'


class Heard:
    """What the parser says of bytes: the fields and body of each message in them."""

    def __init__(self, parser: type) -> None:
        self.parser = parser(self)
        self.target = b""
        self.fields: list[Field] = []
        self.body = b""
        self.messages = 0
        self.under_way = False
        self.keep_alive = False

    def on_message_begin(self) -> None:
        self.under_way = True

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.keep_alive = self.parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.messages += 1
        self.under_way = False


def hear(parser: type, data: bytes) -> Heard | None:
    """Return what was heard if it is one whole message and nothing else."""
    heard = Heard(parser)
    try:
        heard.parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    return heard if heard.messages == 1 and not heard.under_way else None


def parse_request(data: bytes) -> tuple[RequestHead, bytes] | None:
    heard = hear(httptools.HttpRequestParser, data)
    if heard is None:
        return None
    parser = heard.parser
    method, version = parser.get_method(), parser.get_http_version()
    head = read_request_head(
        method, heard.target, version, heard.fields, keep_alive=heard.keep_alive
    )
    return head, heard.body


def parse_response(data: bytes) -> tuple[ResponseHead, bytes] | None:
    heard = hear(httptools.HttpResponseParser, data)
    if heard is None:
        return None
    return read_response_head(heard.parser.get_status_code(), b"OK", heard.fields), heard.body


def learn_request(data: bytes) -> RequestMemory:
    memory, found = RequestMemory(), parse_request(data)
    assert found is not None
    assert memory.read(data) is None
    memory.learn(found[0])
    return memory


def learn_response(data: bytes) -> ResponseMemory:
    memory, heard = ResponseMemory(), hear(httptools.HttpResponseParser, data)
    assert heard is not None
    assert memory.read(data) is None
    head = read_response_head(heard.parser.get_status_code(), b"OK", heard.fields)
    memory.learn(head, len(heard.fields))
    return memory


@st.composite
def changed(draw: st.DrawFn, head: bytes, length: bytes) -> bytes:
    """Return a message that differs from another by a length, a few bytes, or its end."""
    digits = draw(st.sampled_from([b"12", b"0", b"3", b"012", b"+3", b"-3", b"3,3", b"0x3", b""]))
    body = draw(st.sampled_from([BODY, b"", b"abc", BODY + BODY, BODY + head + BODY]))
    data = bytearray(head.replace(length, digits) + body)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data) - 1))
        data[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from([b"", b"\r\n", b"\n", b" ", b"1", b":", b"\x00", b"\r\nX-Three: c"])
        )
    return bytes(data)


@settings(max_examples=200, deadline=None)
@given(changed(POST, b"12"))
@example(POST + BODY)
@example(POST.replace(b"12", b"3") + b"abc")
def test_a_request_that_is_recognised_is_what_the_parser_says(data: bytes) -> None:
    found = learn_request(POST + BODY).read(data)
    if found is not None:
        assert found == parse_request(data)
        assert check_request(found[0]) is None


@settings(max_examples=100, deadline=None)
@given(changed(GET, b"-"))
@example(GET)
def test_a_request_without_a_body_is_recognised_by_all_of_its_bytes(data: bytes) -> None:
    found = learn_request(GET).read(data)
    assert (found is not None) == (data == GET)
    if found is not None:
        assert found == parse_request(data)


@settings(max_examples=200, deadline=None)
@given(changed(OK, b"12"))
@example(OK + BODY)
@example(OK.replace(b"12", b"3") + b"abc")
def test_a_response_that_is_recognised_is_what_the_parser_says(data: bytes) -> None:
    found = learn_response(OK + BODY).read(data)
    if found is not None:
        assert found == parse_response(data)


@pytest.mark.parametrize("body", [BODY, b"abc", b"", b"x" * 10_000])
def test_a_length_may_differ_and_the_last_one_is_remembered(body: bytes) -> None:
    requests, responses = learn_request(POST + BODY), learn_response(OK + BODY)
    for _ in range(2):
        asked = POST.replace(b"12", b"%d" % len(body)) + body
        told = OK.replace(b"12", b"%d" % len(body)) + body
        assert requests.read(asked) == parse_request(asked)
        assert responses.read(told) == parse_response(told)


@pytest.mark.parametrize(
    "request_",
    [
        POST.replace(b"content-LENGTH:  12", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        POST.replace(b"X-One: a", b"Expect: 100-continue") + BODY,
        POST.replace(b"X-One: a", b"Connection: close") + BODY,
        POST.replace(b"X-One: a", b"Connection: x-two") + BODY,
        POST.replace(b"12", b"12 ") + BODY,
        POST.replace(b"X-One: a", b"X-One: " + b"a" * 3000) + BODY,
        b"\r\n" + POST + BODY,
        POST.replace(b"HTTP/1.1", b"HTTP/1.0") + BODY,
    ],
)
def test_what_is_not_usual_is_never_learned(request_: bytes) -> None:
    memory = learn_request(request_)
    assert memory.read(request_) is None


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 100 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_only_a_whole_answer_of_its_length_is_learned(response: bytes) -> None:
    memory = learn_response(response)
    assert memory.read(response) is None


def test_a_head_given_other_fields_on_its_way_is_the_same_the_next_time() -> None:
    data = POST + BODY
    memory = learn_request(data)
    for _ in range(2):
        found = memory.read(data)
        assert found is not None
        assert found == parse_request(data)
        found[0].lines = b""
        found[0].target = b"/other"


def test_heads_that_always_differ_are_soon_left_alone() -> None:
    memory = RequestMemory()
    learned = 0
    for i in range(20):
        data = POST.replace(b"X-One: a", b"X-One: %d" % i) + BODY
        assert memory.read(data) is None
        found = parse_request(data)
        assert found is not None
        if memory.fresh:
            memory.learn(found[0])
            learned += 1
    assert learned == 4
