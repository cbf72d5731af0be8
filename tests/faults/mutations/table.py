"""Deliberate breakages of the product, a line or two each, with the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutation:
    """`edits`: (old, new) in `file`, below src/strongroom; each old text stands there exactly once. `tests`: of which one must fail."""

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


def _one(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    return Mutation(name, file, ((old, new),), tests)


_STORE_TROUBLE: Final = "tests/archive/test_store_trouble.py"
_TRACE: Final = "tests/faults/model/test_trace.py"
_DAMAGE: Final = "tests/restore/test_damage.py"
_HOSTILE_RESTORE: Final = "tests/restore/test_hostile.py"
_HOSTILE_BAG: Final = "tests/verify/test_hostile.py"
_GENERATIONS: Final = "tests/stores/test_generations.py"
_FILE: Final = "tests/stores/test_file.py"
_HOSTILE_IMPORT: Final = "tests/imports/test_hostile.py"
_CHANGING: Final = "tests/archive/test_changing_source.py"
_FRAMES: Final = "tests/core/test_frames.py"
_COMPRESSION: Final = "tests/compression/test_compression.py"
_ADVERSITY: Final = "tests/archive/test_adversity.py"
_HISTORY: Final = "tests/history/test_verify.py"
_FORGED: Final = "tests/history/test_forged.py"
_PLANTED: Final = "tests/signing/test_planted.py"
_AUDIT: Final = "tests/audit/test_audit.py"
_TWO_SWEEPERS: Final = "tests/sweep/test_two_at_once.py"
_SHARED: Final = "tests/identify/test_shared.py"
_SIMILAR: Final = "tests/likeness/test_similar.py"
_WITHHELD_SIGNED: Final = "tests/withheld/test_signed.py"
#: Where a link leads is asked twice: a link that leaves the bag leads to no payload file either.
_ANY_FILE: Final = ('if stat.S_ISREG(status.st_mode) and inside.startswith(b"data/") == payload:', "if stat.S_ISREG(status.st_mode):")

MUTATIONS: Final = (
    # -- digests
    _one("restore gives out what it did not verify", "usecases/restore/contents.py",
         "yield need, content if sha == need.sha else None", "yield need, content", _DAMAGE),
    _one("restore streams large contents unverified", "usecases/restore/contents.py",
         "return hashing.digest() == need.sha", "return True", _DAMAGE),
    _one("an interrupted restore trusts what stands there", "usecases/restore/check.py",
         "if hashing.digest() != sha:", "if False:", "tests/restore/test_resume.py"),
    _one("reading back does not read", "usecases/archive/readback.py",
         "key = find_generation(job.store, object_key(row), row.digest, uncached=True, as_stated=not job.members)", "key = object_key(row)",
         _STORE_TROUBLE),
    _one("a key that exists counts as the right bytes", "stores/generations.py",
         "if running.hexdigest() == digest.hex:", "if running:", _GENERATIONS),
    _one("read_verified does not verify", "stores/generations.py", "if Digest.of(data) == digest:", "if data:", _GENERATIONS),
    _one("tag files are fetched unverified", "usecases/sealed/objects.py",
         "if hashing.hexdigest() == expected.hex:", "if expected:", _DAMAGE),
    _one("verify ignores one manifest", "usecases/verify/hashing.py",
         "if found[algorithm] != digest", 'if algorithm == "sha512" and found[algorithm] != digest', _HOSTILE_BAG),
    _one("members of packs are not hashed", "usecases/packcheck.py",
         "if left == 0 and running.hexdigest() == name:", "if left == 0:", _AUDIT, "tests/repair/test_repair.py", _STORE_TROUBLE),
    _one("audit trusts sizes instead of digests", "usecases/audit/look.py",
         "return _lies(read.pack) if found == expected else", "return None if read.size else", _AUDIT),
    _one("a pack that lies is called sound", "usecases/audit/look.py",
         "if pack is None or pack.honest:", "if True:", "tests/audit/test_lying_packs.py"),
    _one("the catalogue's word for what a pack holds is enough", "usecases/archive/contents.py",
         "if making else []", "if not making else []", "tests/archive/test_hearsay.py"),
    _one("a replica takes the catalogue's word for what a pack holds", "usecases/replicate/holdings.py",
         "unread = doubtful(", "unread = [] and doubtful(", "tests/replicate/test_hearsay.py"),
    _one("a large content may hold what its name does not say", "catalogue/slices.py",
         " AND (o.kind != 'content' OR o.digest = p.sha256)", "", "tests/archive/test_hearsay.py"),
    _one("the bag before vouches though a pack of its placement is gone", "usecases/archive/hearsay.py",
         "if whole:", "if others is not None:", "tests/archive/test_hearsay.py"),
    _one("results that lie in the store are written again each time", "usecases/audit/published.py",
         "        mark_published(catalogue, number, some)\n", "", "tests/audit/test_results.py"),
    _one("hints outlive what was seen in a pack", "usecases/audit/one_store.py",
         "if stored is not None and one.members))", "if stored is None))", "tests/audit/test_lying_packs.py"),
    _one("a store takes bytes without the announced digest", "stores/checked.py",
         "if Digest.of(data) != sha256:", "if sha256 is None:", "tests/stores/test_conformance.py"),
    _one("a stream is stored without its digest", "stores/checked.py",
         "if running.hexdigest() != sha256.hex:", "if sha256 is None:", "tests/stores/test_conformance.py"),
    # -- durability and create-only
    _one("file store: the file is not synced", "stores/file.py", "                        os.fsync(descriptor)\n",
         "                        pass\n", _FILE),
    _one("file store: the folder is not synced", "stores/file.py",
         "raise self._exists(key) from None\n            sync_names(target)", "raise self._exists(key) from None", _FILE),
    _one("file store: publishing replaces", "stores/posix.py",
         "os.link(temporary, name, src_dir_fd=temporary_folder, dst_dir_fd=folder, follow_symlinks=False)",
         "os.rename(temporary, name, src_dir_fd=temporary_folder, dst_dir_fd=folder)", _FILE, "tests/stores/test_conformance.py"),
    # -- compressed packs
    _one("a frame may expand to anything", "core/frames.py", "if parameters.content_size > FRAME_LIMIT:", "if False:", _FRAMES),
    _one("damage ends the reading of a compressed pack", "usecases/framing.py",
         "length = len(buffer) if false_starts > _FALSE_STARTS else _next_start(buffer, ended=ended)", "length = len(buffer)", _FRAMES),
    _one("a compressed pack is copied with what hides in it", "usecases/packcheck.py",
         "plain and whole and index == format_index(sound))", "True)", _FRAMES),
    _one("nobody is told of compressed packs", "usecases/archive/packing.py", "declare(self._store, ZSTD)", "pass", _COMPRESSION),
    # -- hints
    _one("an index is believed", "usecases/archive/readback.py", 'if job.members and row.kind != "content":', "if False:", _STORE_TROUBLE),
    _one("the catalogue is believed about what is there", "usecases/archive/reliance.py",
         "return store.head(object_key(row)).size == row.size", "return True", _STORE_TROUBLE),
    _one("what others stored is relied upon unread", "usecases/archive/reliance.py",
         "(not row.verified and row not in gone)", "False", _STORE_TROUBLE),
    # -- order and numbers
    _one("no open", "usecases/archive/attempt.py",
         "put_or_generation(store, keys.attempt_open(bag, attempt.id), data, Digest.of(data))", "pass", _TRACE),
    _one("sweep/ is not read after open", "usecases/archive/run.py",
         "self._heed()  # a sweep", "pass  # a sweep", _TRACE),
    _one("what a lost attempt stored is trusted", "usecases/archive/contents.py", "self._own.clear()", "pass", _TRACE),
    _one("tag manifests before the other tag files", "usecases/archive/attempt.py",
         "sorted(files, key=_tag_manifests_last)", "sorted(files, key=_tag_manifests_last, reverse=True)", _TRACE),
    Mutation("seal before the tag files", "usecases/archive/sealing.py", (
        ("            for size in attempt.store_tag_files(files):\n                progress.advance(1, size)\n",
         "            self.late = attempt.store_tag_files(files)\n"),
        ("            return seal, attempt.seal(seal, self._signer)\n",
         "            sealed = attempt.seal(seal, self._signer)\n            list(self.late)\n            return seal, sealed\n"),
    ), (_TRACE,)),
    _one("a replica's seal before its tag files", "usecases/replicate/bring.py",
         "            damaged = put_tag_files(files, target)\n",
         "            put_seal(files, target)\n            damaged = put_tag_files(files, target)\n", _TRACE),
    _one("a lost number counts as won", "usecases/archive/attempt.py", "if there == data:", "if there:", _TRACE, _STORE_TROUBLE),
    _one("a seal under another label is taken", "usecases/sealed/seals.py",
         "if seal.bag != bag:", "if seal is None:", "tests/faults/hostile"),
    # -- the source
    _one("max_loss is skipped", "usecases/archive/refusing.py", "if had and gone / had > manifest.max_loss:", "if had < 0:",
         "tests/archive/test_versions.py"),
    _one("a file that changes while it is read is taken", "sources/reading.py",
         "if FileState.of(descriptor) != state:", "if state is None:", _CHANGING),
    _one("links of the source are followed", "sources/reading.py", "(0 if follow else os.O_NOFOLLOW)", "0", _CHANGING),
    _one("a file of this very second counts as unchanged for ever", "usecases/archive/known.py",
         "before = started - RACY_NANOSECONDS", "before = started + 10**18", "tests/faults/hostile"),
    # -- hostile input
    Mutation("verify follows links out of the bag", "usecases/verify/walk.py", (
        ('if not real.startswith(root.rstrip(b"/") + b"/"):', "if not real:"), _ANY_FILE,
    ), (_HOSTILE_BAG,)),
    Mutation("a sibling folder with the bag's prefix is inside", "usecases/verify/walk.py", (
        ('if not real.startswith(root.rstrip(b"/") + b"/"):', "if not real.startswith(root):"), _ANY_FILE,
    ), (_HOSTILE_BAG,)),
    _one("restore follows ..", "core/paths.py", 'segment in (b"", b".", b"..")', "not segment", _HOSTILE_RESTORE, "tests/faults/hostile"),
    _one("names.jsonl may rename anything", "usecases/restore/build.py",
         "to_payload_text(name) != (path, True)", "not name", _HOSTILE_RESTORE),
    _one("a wrong Payload-Oxum passes", "usecases/verify/bag_info.py", "elif stated != found:", "elif stated is None:", _HOSTILE_BAG),
    _one("a file that no manifest lists passes", "usecases/verify/verification.py", "    check_unlisted,\n", "", _HOSTILE_BAG),
    _one("fetch.txt is not looked at", "usecases/verify/verification.py", "    check_fetch,\n", "", _HOSTILE_BAG),
    _one("controls reach the terminal", "core/findings.py", "    if text.isprintable():\n", "    if text:\n", "tests/faults/hostile"),
    _one("a content over which a library crashes ends the run", "identify/process.py",
         "            except (EOFError, OSError) as error:\n                at =",
         "            except ValueError as error:\n                at =",
         "tests/faults/hostile/test_identification.py"),
    _one("a process that identifies is killed once and the content has no type", "identify/process.py",
         "if together == 1 and (len(todo) == 1 or str(ended) == link.TOO_LONG):", "if together:",
         "tests/faults/hostile/test_identification.py"),
    _one("identification has all the memory it wants", "identify/child.py",
         "_limit(resource.RLIMIT_DATA, MEMORY)", "pass", "tests/faults/hostile/test_identification.py"),
    _one("contents that another worker's content took along are blamed", "identify/process.py",
         "together = 1 if suspects else TOGETHER", "together = 1", _SHARED),
    _one("a thread's new work puts off the end of another's", "identify/child.py", "max(1e-6, min(ends) - clock())", "1", _SHARED),
    _one("a process that identifies waits for a content of a worker that is gone", "identify/child.py",
         "poll.register(os.dup(connection.fileno()), 0)", "poll.register(os.dup(connection.fileno()), 0) if came else None", _SHARED),
    _one("a process that identifies takes all who come", "identify/child.py", "if came == SHARED_BY:", "if came == -1:", _SHARED),
    _one("contents that cannot be handed over are asked about one by one", "identify/process.py",
         "raise link.CannotIdentifyError(\n            f\"{error.strerror} where", "raise OSError(\n            f\"{error.strerror} where",
         "tests/identify/test_process.py"),
    _one("half of a content is handed over", "identify/process.py", "while done < len(content):", "if done < len(content):",
         "tests/identify/test_process.py"),
    _one("pages about programs are programs", "identify/verdict.py",
         'if match.mime == "text/html" and match.by_bytes', 'if match.mime == "" and match.by_bytes', "tests/identify/test_process.py"),
    _one("programs that make pages are pages", "identify/verdict.py", " and _PAGE.match(head):", ":", "tests/identify/test_process.py"),
    # -- what the machine has
    _one("batches grow with the run", "usecases/archive/batches.py",
         "min(max(_LEAST_FILES, -(-files // MOST)), _MOST_FILES)", "max(_LEAST_FILES, -(-files // MOST))", "tests/archive/test_batches.py"),
    _one("a full disk is wrong usage", "durable.py", "if error.errno in _DISK:", "if not error.errno:", "tests/test_durable.py"),
    _one("others may read a passphrase", "signing/passphrase.py",
         "status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)", "status.st_mode & 0", "tests/signing/test_seals.py"),
    # -- intake
    _one("what the virus scanner found is packed", "usecases/archive/ingest.py",
         "if sha256 in new and sha256 not in barred:", "if sha256 in new:", "tests/scanning/test_intake.py"),
    _one("a large content is stored before it is scanned", "usecases/archive/ingest.py",
         "and self._screen is None and not self._has_like_sized", "and not self._has_like_sized", "tests/scanning/test_intake.py"),
    _one("nothing is held", "usecases/archive/scanning.py",
         "            self._holding.put(sha256, (contents[sha256],))", "            pass", "tests/scanning/test_intake.py"),
    _one("a release needs no reason", "usecases/quarantine/holding.py",
         "if not reason.strip() or len(reason) > _REASON:", "if len(reason) > _REASON:", "tests/scanning/test_intake.py"),
    _one("newer virus signatures change nothing", "usecases/archive/scanning.py",
         "WHERE s.signatures = ?2 AND s.outcome != 'refused'", "WHERE ?2 != '' AND s.outcome != 'refused'",
         "tests/scanning/test_intake.py"),
    _one("newer signatures of formats change nothing", "usecases/archive/identifying.py",
         "WHERE v.signatures = ?2", "WHERE ?2 != ''", "tests/identify/test_saying.py"),
    # -- near-copies
    _one("near-copies tell of closed collections", "usecases/likeness/run.py",
         "everybody | set(request.names)", "frozenset(row.bag.name for row in known.rows)", _SIMILAR),
    _one("what was taken down stays compared", "usecases/likeness/run.py",
         "shelf.forget(forget(self._catalogue, withheld))", "shelf.forget(())", _SIMILAR),
    _one("a hostile content costs its neighbours", "likeness/guard.py",
         'yield Failed(f"signal {-status}" if status < 0 else f"exit status {status}")', "raise ChildProcessError(status)",
         "tests/likeness/test_guard.py"),
    _one("what is compared needs no limit of memory", "likeness/guard.py",
         "        _limit(limits)\n        for number", "        for number", "tests/likeness/test_guard.py"),
    _one("nothing is boilerplate", "likeness/boilerplate.py", "    if not len(candidates):", "    if len(candidates):", _SIMILAR),
    _one("whatever many share is boilerplate", "likeness/boilerplate.py",
         "(share <= _CORE_OF_MANY) |", "(share > 0) |", _SIMILAR),
    _one("what is contained counts as alike", "likeness/verify.py",
         "jaccard = both / (len(x) + len(y) - both)", "jaccard = both / len(x)", "tests/likeness/test_search.py"),
    _one("contained texts are not found", "likeness/verify.py",
         "both >= contained * len(x)", "both > len(x)", _SIMILAR),
    _one("only the new is compared with the new", "likeness/candidates.py",
         "(is_fresh[:-step] | is_fresh[step:])", "(is_fresh[:-step] & is_fresh[step:])", "tests/likeness/test_candidates.py"),
    _one("what a run names is kept with it", "usecases/recording.py", ', "clusters", "unreadable"})', "})", "tests/likeness/test_cli.py"),
    # -- repair and replicas
    _one("a replica is not read back", "usecases/replicate/sink.py",
         "            if holds(self._store, at, digest, uncached=True, as_stated=True):\n", "            if at:\n", "tests/faults/hostile"),
    _one("a repair is not read back", "usecases/repair/healing.py",
         "if holds(target, at, digest, uncached=True, as_stated=True):", "if at:", "tests/faults/hostile"),
    # -- buckets that keep, and cold objects
    _one("objects are written without the retention that was asked for", "stores/s3.py",
         '{"ObjectLockMode": retention.mode.upper(), "ObjectLockRetainUntilDate": retention.until(datetime.now(UTC))}', "{}",
         "tests/retain/test_retain.py"),
    _one("whatever is cold counts as sound", "stores/generations.py", "return store.head(key).sha256 == digest", "return True",
         "tests/stores/test_generations.py"),
    _one("what is cold is damaged", "stores/generations.py", "return isinstance(error, ColdInStoreError) or", "return", "tests/thaw"),
    _one("a body goes unsigned to a server that checks no digests", "stores/s3_client.py", "if settings.checks_sha256:", "if True:",
         "tests/stores/test_s3.py"),
    # -- signatures
    _one("a signature is not held against the message", "signing/minisign.py",
         "and key.verifies(self.signature, signed)", "and bool(signed)", "tests/signing/test_trust.py"),
    _one("a trusted comment may be forged", "signing/minisign.py",
         "and key.verifies(self.global_signature, self.signature + self.comment.encode())", "", "tests/signing/test_minisign.py"),
    _one("keys of a store are trusted", "signing/trust.py",
         "return key.fingerprint in self._trusted", "return key.fingerprint in self._trusted or key in self.known",
         "tests/signing/test_seals.py"),
    _one("a thief undoes a revocation", "signing/standing.py",
         "if isinstance(says, Revocation) and not self._may_revoke(says):", "if says is None:", "tests/signing/test_trust.py"),
    _one("a signature that was taken away is not missed", "usecases/signatures/seals.py",
         "unsaid and seal.signer is not None)", "False)", "tests/signing/test_seals.py"),
    # -- bags of others
    _one("import follows .. in an archive", "unpacking/names.py", 'if segment == "..":', 'if segment == "...":', _HOSTILE_IMPORT),
    _one("import takes absolute paths", "unpacking/names.py", 'if text.startswith("/"):', 'if text.startswith("//"):', _HOSTILE_IMPORT),
    _one("import makes what is no file", "unpacking/tar.py", "if reason := refusal(header.kind):", "if reason := None:", _HOSTILE_IMPORT),
    _one("import unpacks bombs", "unpacking/streams.py",
         "if unpacked > self._limits.ratio_from and", "if unpacked < 0 and", _HOSTILE_IMPORT),
    _one("import lets members share bytes", "unpacking/zip.py", "if first < last_end:", "if first < 0:", _HOSTILE_IMPORT),
    _one("what was archived is not compared with what was validated", "usecases/archive/delivery.py",
         "elif (read := digest_of(sha256, others, algorithms, algorithm)) != digest:",
         "elif (read := digest_of(sha256, others, algorithms, algorithm)) == '':", "tests/imports/test_changing.py"),
    _one("what came after the validation is archived", "usecases/archive/delivery.py",
         "for (path,) in db.cursor().execute(_UNPROMISED):", "for (path,) in ():", "tests/imports/test_changing.py"),
    # -- takedowns
    _one("a forged tombstone is acted upon", "usecases/withheld/stones.py",
         "    if not trust.keys:\n        return True", "    if trust is not None:\n        return True", _WITHHELD_SIGNED),
    _one("archive stores a withheld content", "usecases/archive/ingest.py",
         "if sha256 in self._job.withheld:\n                self._withheld(number, sha256)\n                continue\n",
         "if sha256 in ():\n                continue\n", "tests/withheld/test_withhold.py"),
    _one("restore hands out what is withheld", "usecases/withheld/planning.py",
         "    if not need_not_withheld(plan, withheld):\n        return []", "    return []", "tests/withheld/test_readers.py"),
    # -- the log
    _one("a store that was put back is written on from there", "usecases/log.py",
         "highest >= (0 if named is None else named[1])", "highest",
         f"{_HISTORY}::test_this_machine_does_not_go_on_from_an_older_state"),
    _one("a seal vouches for rot in a log", "usecases/log.py",
         "                parse_batch(data, key)\n", "", f"{_ADVERSITY}::test_a_damaged_end_of_anothers_log_is_not_sealed"),
    _one("a log goes on after a forgery", "usecases/log.py",
         "if not known or digest in known:", "if digest:", f"{_ADVERSITY}::test_an_altered_end_of_the_log_is_not_continued"),
    _one("log verify believes any seal", "usecases/history/seals.py",
         "SET doubtful = '{_UNNAMED}'", "SET doubtful = NULL",
         f"{_HISTORY}::test_a_seal_whose_log_heads_were_altered_accuses_no_log"),
    _one("log verify takes the next batch's word for nothing", "usecases/history/chains.py",
         "if claimed and not claimed & here:", "if claimed and not here:",
         f"{_HISTORY}::test_what_only_the_next_batch_names"),
    _one("log verify forgets where a chain began", "usecases/history/losses.py",
         "WHERE origin = :id AND digest IS NOT NULL", "WHERE origin = '' AND digest IS NOT NULL",
         f"{_HISTORY}::test_what_only_a_copy_tells"),
    _one("log verify takes two histories for an alteration", "usecases/history/chains.py",
         "return bool(self._events(level, one) & self._events(level, other))", "return bool(self._events(level, one))",
         f"{_HISTORY}::test_two_histories_of_one_writer"),
    _one("replicate heals a store that was put back and says nothing", "usecases/replicate/logs.py",
         "lost.append(key)", "pass", "tests/history/test_healing.py"),
    # -- several seals
    _one("a forged event silences a trusted seal", "usecases/history/seals.py",
         '"AND digest NOT IN (SELECT digest FROM seals WHERE trusted) "', '""', _FORGED),
    _one("an unsigned seal confirms what a trusted one contradicts", "usecases/history/levels.py",
         "(level.anchors if trusted else claims)", "level.anchors", _FORGED),
    _one("two trusted seals are no fork", "usecases/signatures/settling.py",
         "if len(trusted) == 1 else None", "if trusted else None", _PLANTED),
    _one("any signature chooses", "usecases/signatures/settling.py",
         "signature is not None and signature.good", "signature is not None", _PLANTED),
    _one("a void wins over a trusted seal", "usecases/signatures/settling.py",
         "if len(seals.found) + seals.void < 2:", "if len(seals.found) < 2:", _PLANTED),
    _one("replicas of planted seals are brought", "usecases/replicate/run.py", "            self._pass_over()\n", "", _PLANTED),
    _one("a signer does not look at the bag before", "usecases/archive/vouching.py",
         "standing in (Standing.BROKEN, Standing.REVOKED)", "standing is None", "tests/signing/test_vouching.py"),
    # -- sweeps
    _one("a sweep deletes before the second reading", "usecases/sweep/one_store.py", "        planner.confirm(named)\n",
         '        scratch.db.executemany("INSERT INTO condemned VALUES (?, \'unneeded\', 0)", [(line.key.text,) for line in named])\n',
         "tests/sweep/test_protocol.py"),
    _one("what another sweeper deleted is kept", "usecases/sweep/one_store.py",
         "going and exists(self._store, line.key)]\n", "going]\n", _TWO_SWEEPERS),
    _one("damage is taken for another sweeper's work", "usecases/sweep/rescue.py",
         "    if not generations(job.source", "    if generations(job.source", _TWO_SWEEPERS),
    _one("a sweep ignores who is open", "usecases/sweep/one_store.py", "            left = True\n", "            left = False\n",
         "tests/sweep/test_protocol.py"),
    _one("a sweep condemns without a record", "usecases/sweep/one_store.py",
         "        records.condemn(self._store, self._id, sweep, counted())\n",
         '        sweep.documents["record"] = {"keys": len(list(counted()))}\n', "tests/sweep/test_protocol.py"),
    _one("a condemned key is written again", "stores/heeding.py",
         "        self._refuse(key)\n        super().put(key, data, sha256=sha256)", "        super().put(key, data, sha256=sha256)",
         "tests/sweep/test_sweep.py"),
    _one("a clock that jumps ends the grace", "usecases/sweep/grace.py",
         " - max(steps, default=timedelta())", "", "tests/sweep/test_sweep.py"),
    _one("a run does not survive that its number is taken out of use", "usecases/archive/predecessor.py",
         "not in (None, known)", "is not None", "tests/faults/test_short.py::test_nothing_is_lost[swept after a step]"),
    _one("a replica is sealed beside a void", "usecases/replicate/tagside.py", "if read_seals(store, files.bag).void:", "if False:",
         "tests/sweep/test_protocol.py"),
)
