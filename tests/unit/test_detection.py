"""A file is recognised on its content, by exactly one ingestor, however it is packed or named."""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from metering.errors import SourceError
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.detection import HEAD_BYTES, identify, sample_of
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN

OPENAI = Path(__file__).parents[1] / "golden" / "openai_usage" / "completions.json"


class Claims:
    """A format that matches on its first word."""

    version = 1
    role = SourceRole.METERED
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "lines that begin with a word"
    export = "none"
    cannot_tell = "anything"

    def __init__(self, name: str, word: str) -> None:
        self.name = name
        self.word = word

    def identify(self, sample: Sample) -> Verdict:
        matches = (sample.head or "").startswith(self.word)
        return Verdict(matches, f"it does{'' if matches else ' not'} begin with {self.word!r}")

    def read(self, path: Path, reader: object) -> Iterator[Reading]:
        raise NotImplementedError


class Broken(Claims):
    def identify(self, sample: Sample) -> Verdict:
        raise ValueError(sample.head)


Pack = Callable[[bytes], bytes]


def zipped(*contents: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("export")
        for number, content in enumerate(contents):
            archive.writestr(f"export/{number}.json", content)
    return packed.getvalue()


def written(folder: Path, content: bytes) -> Path:
    path = folder / "any name"
    path.write_bytes(content)
    return path


def refusal(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        sample_of(path)
    return caught.value


PACKINGS: dict[str, Pack] = {
    "plain": bytes,
    "bom": lambda content: b"\xef\xbb\xbf" + content,
    "gzip": gzip.compress,
    "gzip of two members": lambda c: gzip.compress(c[:100], mtime=0) + gzip.compress(c[100:]),
    "zstd": zstandard.compress,
    "zstd of two frames": lambda c: zstandard.compress(c[:100]) + zstandard.compress(c[100:]),
    "zip": zipped,
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packed_file_is_recognised_like_a_plain_one(packing: str, tmp_path: Path) -> None:
    path = written(tmp_path, PACKINGS[packing](OPENAI.read_bytes()))

    assert identify(path, BUILT_IN).name == "openai-usage"
    assert sample_of(path).head == OPENAI.read_text(encoding="utf-8")


def test_a_sample_holds_the_complete_lines_of_the_head(tmp_path: Path) -> None:
    line = b"x" * 99 + b"\r\n"
    sample = sample_of(written(tmp_path, line * 1000))

    assert sample.name == "any name"
    assert len(sample.head or "") == HEAD_BYTES
    assert sample.lines == ("x" * 99,) * (HEAD_BYTES // len(line))


def test_a_last_line_without_an_end_is_complete(tmp_path: Path) -> None:
    assert sample_of(written(tmp_path, b"a\nb")).lines == ("a", "b")
    assert sample_of(written(tmp_path, b"a\nb\n")).lines == ("a", "b")
    assert sample_of(written(tmp_path, b"")).lines == ()


def test_a_character_across_the_end_of_the_head_is_left_out(tmp_path: Path) -> None:
    sample = sample_of(written(tmp_path, b"a" + "é".encode() * HEAD_BYTES))

    assert sample.head == "a" + "é" * ((HEAD_BYTES - 1) // 2)


@pytest.mark.parametrize("content", ["é".encode("latin-1"), b"a\xc3", b"\xed\xa0\x80"])
def test_what_is_not_utf_8_has_no_head(content: bytes, tmp_path: Path) -> None:
    sample = sample_of(written(tmp_path, content))

    assert (sample.head, sample.lines) == (None, ())


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_wide_characters_are_named_rather_than_not_recognised(pack: Pack, tmp_path: Path) -> None:
    error = refusal(written(tmp_path, pack(OPENAI.read_text("utf-8").encode("utf-16"))))

    assert error.code == "bad-encoding"


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    error = refusal(written(tmp_path, zipped(gzip.compress(OPENAI.read_bytes()))))

    assert error.code == "bad-archive"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_folder_of_files_in_a_tar_is_named_rather_than_not_recognised(
    pack: Pack, tmp_path: Path
) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        archive.add(OPENAI, "projects/page.json")

    error = refusal(written(tmp_path, pack(whole.getvalue())))

    assert error.code == "bad-archive"
    assert "it is a tar archive" in str(error)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_compressed_data_that_ends_early_is_truncated(pack: Pack, tmp_path: Path) -> None:
    packed = pack(OPENAI.read_bytes())

    for length in (len(packed) // 2, len(packed) - 1):
        assert refusal(written(tmp_path, packed[:length])).code == "truncated-file"


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"page", mtime=0)[:10] + b"\xff" * 20,
        b"\x28\xb5\x2f\xfd" + b"\xff" * 20,
        b"PK\x03\x04" + b"\xff" * 20,
    ],
)
def test_compressed_data_that_is_none_is_damaged(content: bytes, tmp_path: Path) -> None:
    assert refusal(written(tmp_path, content)).code == "damaged-file"


@pytest.mark.parametrize("contents", [(), (b"{}", b"{}")])
def test_a_zip_holds_exactly_one_file(contents: tuple[bytes, ...], tmp_path: Path) -> None:
    error = refusal(written(tmp_path, zipped(*contents)))

    assert error.code == "bad-archive"
    assert f"the zip holds {len(contents)} files" in str(error)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, zipped])
def test_a_compression_bomb_gives_no_more_than_a_head(pack: Pack, tmp_path: Path) -> None:
    sample = sample_of(written(tmp_path, pack(b"0" * 20_000_000)))

    assert sample.head == "0" * HEAD_BYTES


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").code == "unreadable-file"
    assert refusal(tmp_path).code == "unreadable-file"


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with Reader(tmp_path / "scratch", "256MB", 1) as reader, pytest.raises(SourceError) as caught:
        reader.start_fingerprint(tmp_path / "pipe")

    assert str(refusal(tmp_path / "pipe")) == str(caught.value)
    assert str(caught.value) == (
        f"{tmp_path}/pipe: error[unreadable-file]: it is a pipe, not a file\n"
        "    do:       a source is read more than once: write it to a file and name that"
    )


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.json")
    path.write_bytes(OPENAI.read_bytes())

    assert "its name is not text in UTF-8" in str(refusal(path))


def test_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")

    assert "it is a device, not a file" in str(refusal(tmp_path / "link"))


def test_a_name_cannot_forge_a_message(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.json:1: error[none]: \x1b[2J"
    path.write_bytes(b"{}")

    with pytest.raises(SourceError) as caught:
        identify(path, BUILT_IN)

    assert str(caught.value).splitlines()[0] == (
        f"{tmp_path}/a�b.json:1: error[none]: �[2J: error[unrecognised-source]: "
        "no ingestor recognises it"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\n \r\n", "it is empty"),
        ("user\nJörg".encode("latin-1"), "its first 64 KiB are not text in UTF-8"),
    ],
)
def test_a_file_of_no_format_at_all_is_told_why(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as caught:
        identify(written(tmp_path, content), BUILT_IN)

    assert caught.value.code == "unrecognised-source"
    assert str(caught.value).splitlines()[1] == f"    {reason}"


def test_an_unrecognised_file_is_told_every_reason(tmp_path: Path) -> None:
    path = written(tmp_path, b"# read me\n")

    with pytest.raises(SourceError) as caught:
        identify(path, [Claims("first", "one"), Claims("second", "two")])

    assert caught.value.code == "unrecognised-source"
    assert str(caught.value) == (
        f"{path}: error[unrecognised-source]: no ingestor recognises it\n"
        "    first: it does not begin with 'one'\n"
        "    second: it does not begin with 'two'\n"
        "    do:       name one with --ingestor, or see `metering ingestors`"
    )


def test_an_unrecognised_file_is_told_the_formats_that_are_nearest(tmp_path: Path) -> None:
    header = b"usage_date_utc,model_version,api_key,workspace,usage_type,context_window\n"

    with pytest.raises(SourceError) as caught:
        identify(written(tmp_path, header), BUILT_IN)

    said = str(caught.value).splitlines()
    assert said[1] == (
        "    anthropic-console-usage-csv: the header lacks 'usage_input_tokens_no_cache'"
    )
    assert len(said) <= 8
    assert said[-2].endswith(" others have less in common with it, or nothing")


def test_a_file_that_is_like_nothing_is_not_answered_with_a_list(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        identify(written(tmp_path, b"# read me\n"), BUILT_IN)

    said = str(caught.value).splitlines()
    assert said[1:-1] == ["    no format has a name in common with it"]


@pytest.mark.parametrize(("separator", "called"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_that_a_spreadsheet_has_written_otherwise_is_told_so(
    separator: str, called: str, tmp_path: Path
) -> None:
    header = separator.join(("BilledCost", "BillingAccountId", "BillingCurrency", "ChargeClass"))
    with pytest.raises(SourceError) as caught:
        identify(written(tmp_path, f"{header}\n".encode()), BUILT_IN)

    said = str(caught.value).splitlines()
    assert said[1:-1] == [
        f"    its columns are separated by {called}, and those of a CSV by commas"
    ]


def test_a_file_that_two_formats_claim_is_read_by_neither(tmp_path: Path) -> None:
    path = written(tmp_path, b"one two")
    ingestors = [Claims("first", "one"), Claims("second", "two"), Claims("third", "one two")]

    with pytest.raises(SourceError) as caught:
        identify(path, ingestors)

    assert str(caught.value) == (
        f"{path}: error[ambiguous-source]: 2 ingestors recognise it\n"
        "    first: it does begin with 'one'\n"
        "    third: it does begin with 'one two'\n"
        "    do:       name one with --ingestor, or see `metering ingestors`"
    )


def test_a_named_ingestor_is_taken_without_a_look_at_the_file(tmp_path: Path) -> None:
    chosen = identify(tmp_path / "none", BUILT_IN, forced="anthropic-messages")

    assert chosen.name == "anthropic-messages"


def test_an_unknown_name_is_answered_with_those_spelt_like_it(tmp_path: Path) -> None:
    known = [Claims(name, "") for name in ("aws-cur", "openai-costs", "openai-usage")]

    with pytest.raises(SourceError) as caught:
        identify(tmp_path / "none", known, forced="openai-usages")

    assert caught.value.code == "unknown-ingestor"
    said = "no ingestor is called 'openai-usages'\n    nearest:  openai-usage, openai-costs\n"
    assert said in str(caught.value)


def test_an_unknown_name_like_none_leads_to_the_list(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        identify(tmp_path / "none", [Claims("aws-cur", "")], forced="zzz")

    assert str(caught.value).endswith("'zzz'\n    do:       see `metering ingestors`")


def test_a_plug_in_that_raises_is_named_without_a_word_of_the_content(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        identify(written(tmp_path, b"secret"), [Broken("acme-logs", "")])

    assert caught.value.code == "plug-in-failed"
    assert "acme-logs" in str(caught.value)
    assert "secret" not in str(caught.value)


USAGE_ROW = '{"object": "organization.usage.images.result", "images": 1}'
OTHER_ROW = '{"object": "organization.audit.result", "amount": {"value": 1}}'
MESSAGES_ROW = '{"uncached_input_tokens": 1, "cache_creation": {}, "workspace_id": null}'


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (f'{{"data": [{{"results": [{USAGE_ROW}]}}]}}', "openai-usage"),
        (f'[{{"data":[{{"results":[{USAGE_ROW}', "openai-usage"),
        (f'{{"data": [{{"starting_at": "", "results": [{MESSAGES_ROW}', "anthropic-messages"),
    ],
)
def test_a_page_is_recognised_though_the_sample_cuts_it(
    content: str, name: str, tmp_path: Path
) -> None:
    assert identify(written(tmp_path, content.encode()), BUILT_IN).name == name


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (
            f'{{"object": "page", "data": [{{"object": "bucket", "results": [{OTHER_ROW}]}}]}}',
            "openai-usage: its result rows are organization.audit.result",
        ),
        (
            '{"object": "page", "data": [{"object": "bucket", "start_time": 1, "results": []}]}',
            "openai-usage: no result row says organization.usage.…: its buckets are empty",
        ),
        (
            '{"data": [{"starting_at": "2026-10-01T00:00:00Z", "results": []}]}',
            "anthropic-messages: its first rows have no 'uncached_input_tokens'",
        ),
        (
            f'{{"data": [{{"starting_at": "", "product": "api", "results": [{MESSAGES_ROW}]}}]}}',
            "anthropic-messages: 'product' is of the analytics reports",
        ),
        (
            '{"note": "\\"results\\": [{\\"object\\": \\"organization.usage.images.result\\"}]"}',
            "openai-usage: it has no bucket with a list of results",
        ),
        (f"results,object\n1,{USAGE_ROW}\n", "openai-usage: it does not begin with a JSON page"),
        ("\ufeff\ufeff", "anthropic-messages: it does not begin with a JSON page"),
    ],
)
def test_what_looks_alike_is_not_taken(content: str, because: str, tmp_path: Path) -> None:
    path = written(tmp_path, content.encode())
    name, _, reason = because.partition(": ")
    (meant,) = [ingestor for ingestor in BUILT_IN if ingestor.name == name]

    with pytest.raises(SourceError) as caught:
        identify(path, BUILT_IN)

    assert caught.value.code == "unrecognised-source"
    assert reason in meant.identify(sample_of(path)).because
