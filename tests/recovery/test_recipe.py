"""README.txt restores a bag, with damage and without (docs/format.md; nothing of the product is imported)."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path

import bagit
import pytest

from tests.fixtures.seals import altered, summed
from tests.recovery.builder import LARGE, Store, build, encode, pack_bytes, payload, sha256
from tests.recovery.conftest import AWKS, README, SHELLS, Recover, cut, read_tree, toolbox

PLAIN = {
    b"index.html": b"<h1>Welcome</h1>\n",
    b"deep/er/copy.html": b"<h1>Welcome</h1>\n",  # a duplicate
    b"empty": b"",
    b"other empty": b"",
    b"large.bin": random.Random(1).randbytes(LARGE + 1),
    **{b"n/%d.txt" % number: b"page %d\n" % number * number for number in range(20)},
}
HOSTILE = {
    b"line\nfeed": b"1",
    b"carriage\rreturn": b"2",
    b"ends in return\r": b"3",
    b"\n": b"4",
    b"100%": b"5",
    b"literally%0A": b"6",
    b"%25": b"7",
    b"trailing space ": b"8",
    b" leading": b"9",
    b"~root/~1": b"10",
    b"-rf/--": b"11",
    b"'single' \"double\" `tick` $HOME $(id)": b"12",
    b"back\\slash\\n": b"13",
    b"\\": b"14",
    b"ends in backslash\\": b"15",
    "ä".encode() * 127 + b"x": b"16",  # 255 bytes
    unicodedata.normalize("NFC", "Käse.txt").encode(): b"17",
    unicodedata.normalize("NFD", "Käse.txt").encode(): b"18",
    "ÁÂÃÄÅÆÇÈ 路径 %\n Ωμέγα/שלום.txt".encode(): b"19",  # bytes 0x81 to 0x88: quoting marks inside old shells
    b"glob*?[a]{b,c};&|<>": b"20",
    b"tab\tvertical\vbell\a\x01\x7f": b"21",
    b"looks: OK": b"22",
    b"#hash !bang": b"23",
    b"caf\xe9/not utf-8": b"24",
    b"_names/taken": b"25",
    b"line\n  two spaces": b"26",
    b"...": b"27",
    b"two\n\n": b"28",
}


def check(dest: Path, store: Store, files: dict[bytes, bytes]) -> None:
    """`dest` is the complete bag: every file, no other, tag files byte for byte."""
    assert read_tree(dest) == payload(files) | read_tree(store.path(store.tags))


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_hostile_names_in_every_shell(tmp_path: Path, recover: Recover, shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not on this machine")
    store = build(tmp_path / "a store's root", PLAIN | HOSTILE)
    run = recover(store.root, tmp_path / "re stored", shell=shell)
    assert (run.returncode, run.stderr.splitlines()[-1]) == (0, f"{len(PLAIN | HOSTILE)} files in {tmp_path}/re stored; 0 problems.")
    check(tmp_path / "re stored", store, PLAIN | HOSTILE)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("awk", AWKS)
def test_hostile_names_with_every_awk(tmp_path: Path, recover: Recover, awk: str) -> None:
    store = build(tmp_path / "store", PLAIN | HOSTILE)
    run = recover(store.root, tmp_path / "out", tools=toolbox(tmp_path / "tools", awk))
    assert run.returncode == 0, run.stderr
    check(tmp_path / "out", store, PLAIN | HOSTILE)


def test_with_nothing_but_busybox(tmp_path: Path, recover: Recover) -> None:
    tools = toolbox(tmp_path / "tools", all_busybox=True)
    store = build(tmp_path / "store", PLAIN | HOSTILE)
    run = recover(store.root, tmp_path / "out", tools=tools, shell=SHELLS["busybox sh"])
    assert run.returncode == 0, run.stderr
    check(tmp_path / "out", store, PLAIN | HOSTILE)


def test_bagit_python_accepts_the_result(tmp_path: Path, recover: Recover) -> None:
    # It leaves %25 as it is, strips names, splits lines at \v and takes NFC for NFD: those names are compared byte for byte above.
    left = {unicodedata.normalize("NFD", "Käse.txt").encode(), b"trailing space "}
    copes = {name: data for name, data in HOSTILE.items() if b"%" not in name and b"\v" not in name and name not in left}
    assert len(copes) >= 20
    store = build(tmp_path / "store", PLAIN | copes)
    assert recover(store.root, tmp_path / "out").returncode == 0
    bagit.Bag(str(tmp_path / "out")).validate()


def test_relative_paths_and_a_store_left_untouched(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "-store", PLAIN)
    before = read_tree(store.root)
    run = recover(Path("-store"), Path("new/-out"))
    assert run.returncode == 0, run.stderr
    check(tmp_path / "new/-out", store, PLAIN)
    assert read_tree(store.root) == before


def test_an_existing_destination_is_refused(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    (tmp_path / "out").mkdir()
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 2
    assert "exists already" in run.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_hints_may_be_absent_or_wrong(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    store.path(store.pack_key(0).replace(".tar", ".jsonl")).write_bytes(b"\0garbage")
    store.path(f"{store.label}/placement.jsonl").unlink()
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 0, run.stderr
    check(tmp_path / "out", store, PLAIN)

    store.write(f"{store.label}/placement.jsonl", b'{"pack":"%s"}\nnonsense\n{"object":7}\n' % (b"0" * 64))
    run = recover(store.root, tmp_path / "again")
    assert run.returncode == 0, run.stderr
    check(tmp_path / "again", store, PLAIN)


def damage(store: Store, key: str, old: bytes, new: bytes) -> None:
    path = store.path(key)
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def test_a_damaged_member_is_named_and_the_rest_restored(tmp_path: Path, recover: Recover) -> None:
    files = PLAIN | {b"precious\n100%": b"irreplaceable"}
    store = build(tmp_path / "store", files, packs=1)
    damage(store, store.pack_key(0), b"irreplaceable", b"Irreplaceable")
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "DAMAGED OR MISSING: data/precious%0A100%25\n" in run.stderr
    assert run.stderr.count("DAMAGED") == 1
    check(tmp_path / "out", store, PLAIN)


def test_a_damaged_tar_header_costs_one_file(tmp_path: Path, recover: Recover) -> None:
    files = PLAIN | {b"precious": b"irreplaceable"}
    store = build(tmp_path / "store", files, packs=1)
    name = sha256(b"irreplaceable").encode()
    path = store.path(store.pack_key(0))
    data = bytearray(path.read_bytes())
    data[data.index(name)] ^= 1
    path.write_bytes(data)
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "DAMAGED OR MISSING: data/precious\n" in run.stderr
    check(tmp_path / "out", store, PLAIN)


def test_a_healthy_generation_is_found(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN, packs=1)
    pack = store.pack_key(0)
    store.write(pack + "~1", store.path(pack).read_bytes()[:700])  # a repair that went wrong
    store.write(pack + "~2", store.path(pack).read_bytes())
    damage(store, pack, b"page 7", b"PAGE 7")
    big = sha256(PLAIN[b"large.bin"])
    store.write(f"content/{big[:2]}/{big}~1", PLAIN[b"large.bin"])
    store.path(f"content/{big[:2]}/{big}").write_bytes(b"short")
    info = f"{store.tags}/bag-info.txt"
    store.write(info + "~1", store.path(info).read_bytes())
    store.path(info).write_bytes(b"")
    seal = f"{store.label}/seal.json"
    store.write(seal + "~1", store.path(seal).read_bytes())
    store.path(seal).write_bytes(b"{")
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert read_tree(tmp_path / "out/data") == {name.removeprefix(b"data/"): data for name, data in payload(PLAIN).items()}
    bagit.Bag(str(tmp_path / "out")).validate()


def test_a_content_is_found_in_any_pack(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN, packs=1)
    damage(store, store.pack_key(0), b"page 7", b"PAGE 7")
    data = PLAIN[b"n/7.txt"]
    tar, _ = pack_bytes({sha256(data): data})
    store.write(f"packs/00/{sha256(tar)}.tar", tar)  # not in placement.jsonl: another bag's
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 0, run.stderr
    check(tmp_path / "out", store, PLAIN)


def test_missing_contents_are_named(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    big = sha256(PLAIN[b"large.bin"])
    store.path(f"content/{big[:2]}/{big}").unlink()
    store.path(store.pack_key(0)).unlink()
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    got = read_tree(tmp_path / "out/data")
    named = {line.removeprefix("DAMAGED OR MISSING: data/").encode() for line in run.stderr.splitlines() if line.startswith("DAMAGED")}
    assert b"large.bin" in named
    assert named | set(got) == set(PLAIN) and not named & set(got)
    assert all(PLAIN[name] == data for name, data in got.items())


def test_a_damaged_tag_file_is_named(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    damage(store, f"{store.tags}/manifest-sha256.txt", b"data/n/7.txt", b"data/n/x.txt")
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "DAMAGED tag file: manifest-sha256.txt" in run.stderr
    assert (tmp_path / "out/data/n/x.txt").read_bytes() == PLAIN[b"n/7.txt"]


@pytest.mark.parametrize("path", [
    b"data/../../escaped", b"../escaped", b"/escaped", b"escaped", b"data/./escaped", b"data//escaped", b"data/", b"data/a/..",
    b"metadata/escaped", b"data%2F..%2Fescaped/../escaped",
])
def test_a_path_that_leaves_the_payload_is_refused(tmp_path: Path, recover: Recover, path: bytes) -> None:
    line = f"{sha256(PLAIN[b'n/3.txt'])}  ".encode() + path + b"\n"
    store = build(tmp_path / "store", PLAIN, manifest_lines=(line,))
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "REFUSED" in run.stderr
    assert path.decode() in run.stderr
    assert not list(tmp_path.rglob("escaped"))
    check(tmp_path / "out", store, PLAIN)


def test_two_files_never_share_a_name(tmp_path: Path, recover: Recover) -> None:
    line = f"{sha256(PLAIN[b'n/3.txt'])}  data/index.html\n".encode()
    store = build(tmp_path / "store", PLAIN, manifest_lines=(line,))
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "NOT RESTORED, its name is taken: data/index.html" in run.stderr
    check(tmp_path / "out", store, PLAIN)


def test_a_link_in_a_pack_is_not_followed(tmp_path: Path, recover: Recover) -> None:
    """A forged pack whose member is a symbolic link to a file with the right bytes."""
    store = build(tmp_path / "store", {b"secret": b"the same bytes"}, packs=1)
    path = store.path(store.pack_key(0))
    data = bytearray(path.read_bytes())
    with tempfile.NamedTemporaryFile(dir="/tmp") as outside:  # a header has room for 100 bytes of its path
        outside.write(b"the same bytes")
        outside.flush()
        name = outside.name.encode()
        data[156:157], data[157:157 + len(name)], data[124:136] = b"2", name, b"00000000000\0"
        data[148:156] = b" " * 8
        data[148:156] = b"%06o\0 " % sum(data[:512])
        path.write_bytes(data)
        run = recover(store.root, tmp_path / "out")
    assert run.returncode == 1
    assert "NOT RESTORED: data/secret" in run.stderr
    assert not list((tmp_path / "out").rglob("secret"))


def test_forks_are_told_and_chosen(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    seal = store.path(f"{store.label}/seal.json")
    other = store.write(f"{store.label}/seal.json~1", seal.read_bytes().replace(b"T10:", b"T11:"))
    assert recover(store.root, tmp_path / "rotten").returncode == 0  # what does not agree with itself is no seal
    other.write_bytes(altered(seal.read_bytes(), sealed="2026-11-22T11:00:00Z"))
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 2
    assert "(a fork)" in run.stderr
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.part").exists()
    run = recover(store.root, tmp_path / "second", SEAL=f"{seal}~1")
    assert run.returncode == 0, run.stderr
    assert sha256(Path(f"{seal}~1").read_bytes()) in run.stderr
    other.write_bytes(altered(seal.read_bytes(), bag="pages/v2", previous={"bag": "pages/v1", "seal": "0" * 64}))
    assert recover(store.root, tmp_path / "third").returncode == 0  # a seal of another bag, though it names this one


def test_damage_beside_it_does_not_choose_a_planted_seal(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    seal = store.path(f"{store.label}/seal.json")
    true = store.path(f"{store.tags}/tagmanifest-sha256.txt").read_bytes()
    store.plant()
    run = recover(store.root, tmp_path / "out")
    assert (run.returncode, "(a fork)" in run.stderr) == (2, True), run.stderr
    run = recover(store.root, tmp_path / "out", SEAL=str(seal))
    assert (run.returncode, "No copy of" in run.stderr) == (2, True), run.stderr
    store.path(f"{store.tags}/tagmanifest-sha256.txt").write_bytes(true)
    assert recover(store.root, tmp_path / "out", SEAL=str(seal)).returncode == 0
    check(tmp_path / "out", store, PLAIN)


def test_a_number_that_is_also_voided_is_not_restored_unasked(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    seal, void = store.path(f"{store.label}/seal.json"), store.path(f"{store.label}/seal.json~1")
    void.write_bytes(summed({"format": "strongroom-seal/1", "bag": store.bag, "attempt": None, "previous": None, "sealed": "x"}))
    run = recover(store.root, tmp_path / "out")
    assert (run.returncode, "(a fork)" in run.stderr) == (2, True), run.stderr
    assert recover(store.root, tmp_path / "out", SEAL=str(seal)).returncode == 0
    seal.unlink()
    run = recover(store.root, tmp_path / "none")
    assert (run.returncode, "out of use" in run.stderr) == (2, True), run.stderr


def test_without_a_seal_there_is_no_bag_unless_asked(tmp_path: Path, recover: Recover) -> None:
    store = build(tmp_path / "store", PLAIN)
    store.path(f"{store.label}/seal.json").write_bytes(b'{"attempt":null,"bag":"pages/v1"}\n')
    run = recover(store.root, tmp_path / "out")
    assert run.returncode == 2
    assert "No seal" in run.stderr
    run = recover(store.root, tmp_path / "unsealed", ATTEMPT=store.attempt)
    assert run.returncode == 0, run.stderr
    assert "without the seal" in run.stderr
    check(tmp_path / "unsealed", store, PLAIN)


def test_the_commands_in_the_text(tmp_path: Path) -> None:
    """Cutting the script out, and taking one file out by hand, as README.txt says it."""
    text = README.read_text("ascii")
    store = build(tmp_path / "store", PLAIN)
    store.write("README.txt", text.encode())
    commands = re.findall(r"^    (awk .*|for f in .*)$", text.partition("-----8<-----")[0], re.MULTILINE)
    assert len(commands) == 2
    script = "\n".join(commands).replace("HEX", sha256(PLAIN[b"n/19.txt"]))
    environment = {"PATH": str(toolbox(tmp_path / "tools"))}
    subprocess.run(["sh", "-euc", script], cwd=store.root, env=environment, check=True)
    assert store.path("recover.sh").read_text("ascii") == cut(text)
    assert store.path("found").read_bytes() == PLAIN[b"n/19.txt"]


@pytest.mark.slow
def test_thousands_of_files_take_one_command_each(tmp_path: Path, recover: Recover) -> None:
    files = {b"%d/%d" % (number // 500, number): b"%d" % (number % 3500) for number in range(5_000)}
    store = build(tmp_path / "store", files, packs=5)
    tools = toolbox(tmp_path / "tools")
    for tool in tools.iterdir():
        if tool.name != "sh":
            real = tool.readlink()
            tool.unlink()
            tool.write_text(f'#!/bin/sh\necho {tool.name} >> "{tmp_path}/called"\nexec {real} "$@"\n')
            tool.chmod(0o755)
    assert recover(store.root, tmp_path / "out", tools=tools).returncode == 0
    called = Counter((tmp_path / "called").read_text().split())
    assert called.pop("cp") + called.pop("mv") < len(files) + 50  # about 7 s on two cores
    assert called.total() < 200
    check(tmp_path / "out", store, files)


def test_encoding_is_that_of_the_rfc() -> None:
    assert encode(b"a%0A\r\n%") == b"a%250A%0D%0A%25"
