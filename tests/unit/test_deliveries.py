"""Files of one delivery are known by their names, and none of them counts without the others."""

import json
from pathlib import Path

import pytest

from metering.errors import SourceError
from metering.ingest.deliveries import deliveries, is_manifest, refuse_incomplete


def files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).touch()
    return [folder / name for name in names]


@pytest.mark.parametrize(
    "names",
    [
        ("usage-00001.csv.gz", "usage-00002.csv.gz", "usage-00003.csv.gz"),
        ("cur-00001.snappy.parquet", "cur-00002.snappy.parquet"),
        ("report-1.csv.zip", "report-2.csv.zip", "report-10.csv.zip"),
        ("part_0_0001.csv", "part_1_0001.csv", "part_10_0001.csv"),
        ("part_0_0001.csv", "part_0_0002.csv", "part_1_0001.csv"),
        ("billing000000000000.parquet", "billing000000000001.parquet"),
        ("000000000000.json.gz", "000000000001.json.gz"),
    ],
)
def test_numbered_files_are_one_delivery_in_the_order_of_their_numbers(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in names]

    found = deliveries(reversed(paths))

    assert found == dict.fromkeys(paths, tuple(paths))


@pytest.mark.parametrize(
    "name",
    [
        "usage-2026-10.csv.gz",
        "usage-2026-10-05.csv.gz",
        "usage-20261001.csv.gz",
        "usage-2026.csv.zip",
        "costs.csv",
        "costs-2.csv",
        "page_1.json",
        "202610010000.parquet",
    ],
)
def test_other_names_are_of_no_delivery(name: str, tmp_path: Path) -> None:
    assert deliveries([tmp_path / name]) == {}


def test_what_lies_in_another_folder_or_ends_otherwise_is_another_delivery(tmp_path: Path) -> None:
    september, october = tmp_path / "september", tmp_path / "october"
    paths = [
        september / "usage-00001.csv.gz",
        october / "usage-00001.csv.gz",
        october / "usage-00001.csv",
        october / "tokens-00001.csv",
    ]

    assert deliveries(paths) == {path: (path,) for path in paths}


@pytest.mark.parametrize(
    ("given", "beside", "missing"),
    [
        (["usage-00002.csv"], [], ["usage-00001.csv"]),
        (["usage-00001.csv"], ["usage-00002.csv"], ["usage-00002.csv"]),
        (["usage-00001.csv", "usage-00004.csv"], [], ["usage-00002.csv", "usage-00003.csv"]),
        (["part_2_0002.csv"], [], ["part_0_0001.csv", "part_1_0001.csv", "part_2_0001.csv"]),
        (["report-1.csv.gz"], ["report-2.csv.gz"], ["report-2.csv.gz"]),
        (["report-2.csv.gz"], ["report-1.csv.gz"], ["report-1.csv.gz"]),
        (["of000000000001.parquet"], [], ["of000000000000.parquet"]),
    ],
)
def test_what_is_missing_is_named(
    given: list[str], beside: list[str], missing: list[str], tmp_path: Path
) -> None:
    paths = files(tmp_path, *given)
    files(tmp_path, *beside)

    with pytest.raises(SourceError) as refused:
        refuse_incomplete(deliveries(paths)[paths[0]])

    assert refused.value.code == "partial-export"
    told = [line.split()[-1] for line in str(refused.value).splitlines() if "missing:" in line]
    assert told == missing


@pytest.mark.parametrize(
    "manifest",
    [
        {"blobs": [{"blobName": f"costs/run-7/part_{n}_0001.csv"} for n in range(3)]},
        {"reportKeys": [f"costs/part_{n}_0001.csv" for n in range(3)]},
        {"dataFiles": [f"s3://bucket/part_{n}_0001.csv" for n in range(3)]},
    ],
)
def test_a_manifest_tells_the_last_ones(manifest: dict[str, object], tmp_path: Path) -> None:
    paths = files(tmp_path, "part_0_0001.csv", "part_1_0001.csv")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    with pytest.raises(SourceError, match=r"missing:  part_2_0001\.csv"):
        refuse_incomplete(paths)

    refuse_incomplete([*paths, *files(tmp_path, "part_2_0001.csv")])


@pytest.mark.parametrize("content", ["", "[]", '{"blobs": 3}', '{"blobs": [{"blobName": 7}, 3]}'])
def test_what_is_no_manifest_tells_nothing(content: str, tmp_path: Path) -> None:
    paths = files(tmp_path, "part_0_0001.csv", "part_1_0001.csv")
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")

    refuse_incomplete(paths)


@pytest.mark.parametrize("name", ["usage-00001.csv", "part_0_0001.csv", "report-7.csv.gz"])
def test_one_file_may_be_all_there_is(name: str, tmp_path: Path) -> None:
    refuse_incomplete(files(tmp_path, name))


def test_a_manifest_is_known_by_its_name() -> None:
    assert is_manifest(Path("manifest.json"))
    assert is_manifest(Path("export-Manifest.json"))
    assert not is_manifest(Path("usage.json"))
    assert not is_manifest(Path("manifest.json.csv"))
