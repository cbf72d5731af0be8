"""Statements of SQLite as PostgreSQL is given them."""

from __future__ import annotations

import pytest

from strongroom.database.postgres.translate import bound, translated


@pytest.mark.parametrize(("sql", "meant"), [
    ("SELECT a FROM t WHERE b = ? AND c = ?", b"SELECT a FROM t WHERE b = %s AND c = %s"),
    ("SELECT ?2, ?1, ?2", b"SELECT %(p2)s, %(p1)s, %(p2)s"),
    ("SELECT '?', 'it''s ?' WHERE a LIKE 'x%' AND b = ?", b"SELECT '?', 'it''s ?' WHERE a LIKE 'x%%' AND b = %s"),
    ("SELECT value FROM json_each(?2)", b"SELECT value FROM jsonb_array_elements_text(CAST(%(p2)s AS jsonb)) AS each(value)"),
    ("SELECT group_concat(s.id, ' ')", b"SELECT string_agg(s.id, ' ')"),
    ("SELECT substr(lower(hex(digest)), 1, 2)", b"SELECT substr(encode(digest, 'hex'), 1, 2)"),
    ("SELECT 1 FROM held INDEXED BY held_by_content WHERE a = ?", b"SELECT 1 FROM held  WHERE a = %s"),
    ("FROM a CROSS JOIN b ON b.x = a.x", b"FROM a JOIN b ON b.x = a.x"),
    ("BEGIN DEFERRED", b"BEGIN"),
])
def test_what_differs_is_translated_and_texts_stay(sql: str, meant: bytes) -> None:
    assert translated(sql)[0] == meant


def test_values_are_given_by_number_where_the_statement_counts_them() -> None:
    assert bound((1, 2), named=translated("SELECT ?2")[1]) == {"p1": 1, "p2": 2}
    assert bound((1, 2), named=translated("SELECT ?, ?")[1]) == (1, 2)


def test_tables_that_were_sent_are_temporary_ones() -> None:
    assert translated("SELECT x.a FROM run.files x", frozenset({"run"}))[0] == b"SELECT x.a FROM pg_temp.run_files x"
    assert translated("SELECT run.files", frozenset())[0] == b"SELECT run.files"
