"""What docs/format.md says to the byte, where two writers could differ: order of lines, digits of modes, identifiers."""

from __future__ import annotations

import hashlib
import json
import uuid

#: As their bytes sort. Encoded, LF and CR would come after the space and before the ampersand; as UTF-16, the last two the other way.
NAMES = ("a\nb", "a\rb", "a b", "a%b", "a&b", "a\uffee", "a\U00010000")


def test_lines_are_sorted_by_the_bytes_of_paths_before_they_are_encoded(site) -> None:
    for name in reversed(NAMES):
        site.write(f"order/{name}", name)
    site.run()
    encoded = ["a%0Ab", "a%0Db", "a b", "a%25b", "a&b", *NAMES[5:]]
    for file, at in (("manifest-sha256.txt", 66), ("manifest-sha512.txt", 130)):
        lines = (site.bag(1) / file).read_bytes().decode().split("\n")[:-1]
        assert [line[at:].removeprefix("data/order/") for line in lines if "data/order/" in line] == encoded
    fetched = (site.bag(1) / "fetch.txt").read_bytes().decode().split("\n")[:-1]
    assert [line.split(" ", 2)[2].removeprefix("data/order/") for line in fetched if "data/order/" in line] == encoded
    technical = [line["path"] for line in site.lines(1, "metadata/technical.jsonl") if "/order/" in line["path"]]
    assert technical == [f"data/order/{name}" for name in NAMES]


def test_modes_have_four_digits(site) -> None:
    site.write("plain", b"1").chmod(0o604)
    site.write("special", b"2").chmod(0o4711)
    site.write("none", b"3").chmod(0o400)
    site.run()
    lines = {line["path"]: line["mode"] for line in site.lines(1, "metadata/technical.jsonl")}
    assert (lines["data/plain"], lines["data/special"], lines["data/none"]) == ("0604", "4711", "0400")


def test_identifiers_are_two_elements_the_label_first(site) -> None:
    site.run()
    lines = (site.bag(1) / "bag-info.txt").read_bytes().decode().split("\n")
    collection = uuid.UUID(site.seal(1)["collection"])
    assert [line for line in lines if line.startswith("External-Identifier:")] == [
        "External-Identifier: site/v1", f"External-Identifier: urn:uuid:{collection}"]


def test_duplicates_are_sorted_by_digest_and_their_paths_by_bytes(site) -> None:
    for name in ("x\nx", "x x", "y"):
        site.write(name, b"the same")
    site.run()
    lines = site.lines(1, "metadata/duplicates.jsonl")
    assert [line["sha256"] for line in lines] == sorted(line["sha256"] for line in lines)
    same = hashlib.sha256(b"the same").hexdigest()
    assert [line["paths"] for line in lines if line["sha256"] == same] == [["data/x\nx", "data/x x", "data/y"]]


def test_numbers_of_records_are_kept_as_they_were_read(site) -> None:
    record = '{"path":"index.html","small":0.00001,"big":1e16,"whole":2.50,"huge":1180591620717411303424,"none":-0.0}\n'
    site.write("metadata.jsonl", record)
    site.run()
    (line,) = (site.bag(1) / "metadata/records/records.jsonl").read_bytes().splitlines()
    for written in (b'"small":1e-05', b'"big":1e+16', b'"whole":2.5', b'"huge":1180591620717411303424', b'"none":-0.0'):
        assert written in line, line
    assert json.loads(line)["small"] == 0.00001
