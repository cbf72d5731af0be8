"""The grammar of tag files: what we write, everybody reads; what others write, we read or name the line."""

from __future__ import annotations

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.core.bag.baginfo import Element, format_bag_info, parse_bag_info
from strongroom.core.bag.declaration import Version, bagit_txt, parse_declaration
from strongroom.core.bag.encoding import decode_path, encode_path
from strongroom.core.bag.fetch import FetchEntry, digest_from_ni_url, parse_fetch_lines
from strongroom.core.bag.lines import Line, read_lines
from strongroom.core.bag.manifest import ManifestEntry, manifest_line, manifest_name, parse_manifest_lines
from strongroom.core.bag.oxum import parse_oxum
from strongroom.core.bag.paths import collision_key, judge_path
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from tests.fixtures.fetch import fetch_line

DIGEST = Digest.of(b"content")
names = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1).filter(lambda n: n not in (".", ".."))
payload_paths = st.lists(names, min_size=1, max_size=4).map(lambda segments: "data/" + "/".join(segments))


@given(st.text())
def test_any_path_survives_encoding(path: str) -> None:
    encoded = encode_path(path)
    assert decode_path(encoded) == path
    assert not set("\n\r") & set(encoded)


@given(st.lists(payload_paths, max_size=8), st.integers(1, 7))
def test_any_manifest_is_read_as_written_however_it_is_cut(paths: list[str], size: int) -> None:
    data = "".join(manifest_line(DIGEST.hex, path) for path in paths).encode()
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    entries = list(parse_manifest_lines(chunks, algorithm="sha256"))
    assert [(entry.digest, entry.path) for entry in entries if isinstance(entry, ManifestEntry)] == [(DIGEST.hex, path) for path in paths]
    assert len(entries) == len(paths)  # and no problem
    assert all(judge_path(path, payload=True).path == path for path in paths)


@given(st.lists(st.tuples(payload_paths, st.integers(0, 10**18 - 1)), max_size=8))
def test_any_fetch_file_is_read_as_written(files: list[tuple[str, int]]) -> None:
    data = "".join(fetch_line(DIGEST, size, path, "strongroom.invalid") for path, size in files).encode()
    entries = [entry for entry in parse_fetch_lines([data]) if isinstance(entry, FetchEntry)]
    assert [(entry.path, entry.length) for entry in entries] == files
    assert all(digest_from_ni_url(entry.url) == DIGEST for entry in entries)


@pytest.mark.parametrize("url", ["https://a/.well-known/ni/sha-256/short", "https://a/x", "ftp://a/.well-known/ni/sha-256/" + "A" * 43, ""])
def test_other_urls_name_no_content(url: str) -> None:
    with pytest.raises(InvalidValueError):
        digest_from_ni_url(url)


def test_before_1_0_a_percent_sign_stands_for_itself() -> None:
    assert decode_path("data/%25%0A%20", Version(0, 97)) == "data/%25\n%20"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_lines_end_in_lf_cr_or_both_and_nothing_else(end: str, size: int) -> None:
    data = f"a\u2028b\fc{end}{end}d\x85e{end}f".encode()
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    assert list(read_lines(chunks)) == [Line(1, "a\u2028b\fc"), Line(2, ""), Line(3, "d\x85e"), Line(4, "f")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso8859-1", "shift_jis"])
def test_encodings_are_read_cut_anywhere(encoding: str) -> None:
    data = "Contact-Name: A\r\nB: c\n".encode(encoding)
    chunks = [data[i : i + 3] for i in range(0, len(data), 3)]
    assert list(read_lines(chunks, encoding)) == [Line(1, "Contact-Name: A"), Line(2, "B: c")]


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_without_a_mark_shows_its_byte_order(order: str) -> None:
    assert list(read_lines(["a: b\n".encode(f"utf-16-{order}")], "utf-16")) == [Line(1, "a: b")]


def test_a_huge_line_is_skipped_and_named_and_the_next_is_read() -> None:
    found = list(read_lines([b"short\n", *([b"x" * 400] * 10), b"\nnext\n"], limit=1000))
    assert found == [Line(1, "short"), Problem(2, "is longer than 1000 characters; not read"), Line(3, "next")]
    assert list(read_lines([b"x" * 2000], limit=1000)) == [Problem(1, "is longer than 1000 characters; not read")]


def test_bytes_that_are_not_utf_8_are_named_by_line() -> None:
    found = list(read_lines([b"good\nb\xffd\n"]))
    assert found[0] == Line(1, "good")
    assert isinstance(found[1], Problem)
    assert found[1].line == 2
    assert found[2] == Line(2, "b\udcffd")


def test_manifest_lines_of_other_tools() -> None:
    text = f"{'AB' * 16}\tdata/a\n{'ab' * 16} *data/b\n\nnot a line\n{'ab' * 20}  data/c\n{'ab' * 16}  data/100%"
    found = list(parse_manifest_lines([text.encode()], algorithm="md5"))
    assert [(e.digest, e.path, e.line) for e in found if isinstance(e, ManifestEntry)] == [
        ("ab" * 16, "data/a", 1), ("ab" * 16, "data/b", 2), ("ab" * 16, "data/100%", 6),
    ]
    assert [(p.line, p.fatal) for p in found if isinstance(p, Problem)] == [(2, False), (3, False), (4, True), (5, True), (6, True)]


@pytest.mark.parametrize(("name", "expected"), [
    ("manifest-sha512.txt", (False, "sha512")), ("tagmanifest-SHA-1.txt", (True, "sha1")), ("manifest-sha3-256.txt", (False, "sha3-256")),
    ("manifest-whirlpool.txt", (False, "whirlpool")), ("manifest.txt", None), ("my-manifest-md5.txt", None), ("manifest-md5.txt.bak", None),
])
def test_manifest_names(name: str, expected: tuple[bool, str] | None) -> None:
    assert manifest_name(name) == expected


def test_our_declaration_is_read_without_a_problem() -> None:
    declaration, problems = parse_declaration(bagit_txt())
    assert (str(declaration.version), declaration.encoding, problems) == ("1.0", "utf-8", [])


GOOD = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"


@pytest.mark.parametrize("data", [
    b"", b"BagIt-Version: 1.0\n", b"\xef\xbb\xbf" + GOOD, GOOD.decode().encode("utf-16"), GOOD.replace(b": ", b" : "),
    GOOD.replace(b": ", b":"), GOOD.replace(b"0.97", b".97"), GOOD.replace(b"0.97", b"2.0"), GOOD.replace(b"0.97", b"1.0") + b"more: 1\n",
    GOOD.replace(b"UTF-8", b"zip"), GOOD.replace(b"UTF-8", b"idna"), GOOD.replace(b"UTF-8", b"\0"), b"\n".join(GOOD.split(b"\n")[::-1]),
    "BagIt-Version: ٠.٩٧\nTag-File-Character-Encoding: UTF-8\n".encode(), GOOD.replace(b"0.97", b"0.97 "), GOOD.lower(),
])
def test_a_bad_declaration_is_an_error(data: bytes) -> None:
    assert any(problem.fatal for problem in parse_declaration(data)[1])


def test_line_ends_of_the_declaration() -> None:
    for data in (GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.replace(b"\n", b"\r"), GOOD.rstrip()):
        assert parse_declaration(data)[1] == []


@pytest.mark.parametrize("path", [
    "/etc/passwd", "../x", "data/../../x", "~/x", "~root/x", "C:\\x", "c:/x", "\\\\server\\x", "data", "data/", "data/.", "data/..",
    "datax/y",     "data/../bag-info.txt", "bag-info.txt", "", ".", "./", "data\\x", "data/a\0b", "%2e%2e/x", "../bag-secret/k",
])
def test_paths_outside_the_payload_are_refused(path: str) -> None:
    assert judge_path(path, payload=True).path is None


@pytest.mark.parametrize(("path", "meant"), [
    ("./data/x", "data/x"), ("data//x", "data/x"), ("data/./x", "data/x"), ("data/a/../x", "data/x"), ("data/a\\b", "data/a\\b"),
])
def test_odd_paths_are_read_with_a_warning(path: str, meant: str) -> None:
    judged = judge_path(path, payload=True)
    assert (judged.path, judged.error) == (meant, None)
    assert judged.warnings


@pytest.mark.parametrize("path", ["data/~x", "data/.hidden", "data/...", "data/..x", "data/ ", "data/a b", "data/%2e%2e/x", "data/a\nb"])
def test_plain_paths_are_plain(path: str) -> None:
    assert judge_path(path, payload=True) == (path, None, ())


def test_collisions() -> None:
    assert collision_key("data/Straße".encode()) == collision_key(b"data/STRASSE")
    assert collision_key(b"data/\xff") != collision_key(b"data/\xfe")


PAIRS = [
    ("Source-Organization", "Fontaine & Söhne: Archiv"), ("External-Description", "first line\nsecond line\r\nthird"),
    ("Contact-Name", "  blanks  "), ("X-Empty", ""), ("Payload-Oxum", "12.3"), ("Long", "word " * 60), ("Paragraphs", "one\n\ntwo"),
    ("X-Unicode", "a\u2028b\x85c"),
]


def test_bag_info_is_read_as_written() -> None:
    found = [item for item in parse_bag_info([format_bag_info(PAIRS)]) if isinstance(item, Element)]
    assert [(label, value) for label, value, _ in found] == [
        ("Source-Organization", "Fontaine & Söhne: Archiv"), ("External-Description", "first line\nsecond line\nthird"),
        ("Contact-Name", "blanks"), ("X-Empty", ""), ("Payload-Oxum", "12.3"), ("Long", ("word " * 60).strip()), ("Paragraphs", "one\ntwo"),
        ("X-Unicode", "a\nb\nc"),
    ]


def test_bagit_python_reads_our_bag_info(tmp_path: object) -> None:
    path = f"{tmp_path}/bag-info.txt"
    with open(path, "wb") as file:
        file.write(format_bag_info([pair for pair in PAIRS if pair[1]]))
    tags = bagit._load_tag_file(path)
    assert tags["Payload-Oxum"] == "12.3"
    assert tags["External-Description"].split() == ["first", "line", "second", "line", "third"]
    assert tags["X-Unicode"].split() == ["a", "b", "c"]  # it ends lines at U+2028, too


@pytest.mark.parametrize("label", ["", "a:b", "a\nb", "a\u2028b", " a", "a ", " "])
def test_labels_that_cannot_be_are_refused(label: str) -> None:
    with pytest.raises(InvalidValueError):
        format_bag_info([(label, "x")])


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="Contact-Name"):
        format_bag_info([("Contact-Name", "\udcff")])


@pytest.mark.parametrize("text", ["no colon", ": no label", "  an orphan", "a : b", "a:b"])
def test_lines_that_are_no_element_are_errors_in_1_0(text: str) -> None:
    problems = [item for item in parse_bag_info([text.encode()]) if isinstance(item, Problem)]
    assert [problem.fatal for problem in problems] == [True]


def test_the_drafts_let_white_space_around_the_colon_vary() -> None:
    found = list(parse_bag_info([b"a : b\nc:d\ne\t:\tf\n"], version=Version(0, 97)))
    assert found == [("a", "b", 1), ("c", "d", 2), ("e", "f", 3)]


@pytest.mark.parametrize("text", ["", "12", "12.", ".3", "-1.2", "1.2.3", "1,2", "٣.٤", "1.2x"])
def test_what_is_no_oxum(text: str) -> None:
    assert parse_oxum(text) is None
