from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import CapturingLogger
from structlog.typing import FilteringBoundLogger

from origin.catalog import Catalog
from tests.origin.library import RUNG, content, publish, put_title_json


@pytest.fixture
def logger() -> CapturingLogger:
    return CapturingLogger()


@pytest.fixture
def catalog(tmp_path: Path, logger: FilteringBoundLogger) -> Catalog:
    return Catalog(tmp_path, logger)


def events(logger: CapturingLogger) -> list[str]:
    return [call.args[0] for call in logger.calls]


def names(catalog: Catalog) -> list[str]:
    return [published.title.name for published in catalog.all()]


def test_titles_are_listed_by_name_and_what_is_no_title_is_passed_over(
    catalog: Catalog, tmp_path: Path
) -> None:
    publish(tmp_path, "zebra")
    publish(tmp_path, "ape")
    (tmp_path / "being-encoded").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("not a title")
    assert names(catalog) == ["ape", "zebra"]


def test_a_title_is_read_once_until_it_changes(
    catalog: Catalog, tmp_path: Path, logger: CapturingLogger
) -> None:
    first = publish(tmp_path)
    assert catalog.current("bunny") is catalog.current("bunny")
    second = publish(tmp_path, marker=b"second")
    published = catalog.current("bunny")
    assert published
    assert published.title == second
    assert events(logger) == ["published", "published"]
    assert catalog.version("bunny", first.version) is not None
    assert catalog.version("bunny", second.version) is published


def test_only_the_newest_versions_are_kept(catalog: Catalog, tmp_path: Path) -> None:
    versions = []
    for number in range(6):
        versions.append(publish(tmp_path, marker=str(number).encode()).version)
        catalog.current("bunny")
    assert [catalog.version("bunny", version) is not None for version in versions] == [False] * 2 + [True] * 4


def test_a_broken_title_is_one_line_and_harms_no_other(
    catalog: Catalog, tmp_path: Path, logger: CapturingLogger
) -> None:
    publish(tmp_path, "good")
    put_title_json(tmp_path / "bad", '{"schema_version": 1,\n')
    assert names(catalog) == ["good"]
    assert names(catalog) == ["good"]
    broken = [call.kwargs for call in logger.calls if call.args == ("broken_title",)]
    assert [line["title"] for line in broken] == ["bad"]
    assert "\n" not in broken[0]["reason"]


def test_what_was_published_stays_when_its_successor_is_broken(catalog: Catalog, tmp_path: Path) -> None:
    title = publish(tmp_path)
    catalog.current("bunny")
    put_title_json(tmp_path / "bunny", "half")
    published = catalog.current("bunny")
    assert published
    assert published.title == title


def test_a_title_in_a_folder_of_another_name_is_broken(
    catalog: Catalog, tmp_path: Path, logger: CapturingLogger
) -> None:
    publish(tmp_path)
    (tmp_path / "bunny").rename(tmp_path / "rabbit")
    assert names(catalog) == []
    assert "stands in the folder 'rabbit'" in logger.calls[0].kwargs["reason"]


def test_an_unpublished_title_is_gone(catalog: Catalog, tmp_path: Path) -> None:
    title = publish(tmp_path)
    assert catalog.current("bunny")
    (tmp_path / "bunny" / "title.json").unlink()
    assert catalog.current("bunny") is None
    assert catalog.version("bunny", title.version) is None


def test_links_inside_the_library_work_and_links_out_of_it_do_not(catalog: Catalog, tmp_path: Path) -> None:
    publish(tmp_path)
    segment = tmp_path / "bunny" / RUNG / "1.m4s"
    segment.rename(tmp_path / "elsewhere")
    segment.symlink_to(tmp_path / "elsewhere")
    with catalog.open("bunny", f"{RUNG}/1.m4s") as file:
        assert file.read() == content(f"{RUNG}/1.m4s")
    segment.unlink()
    segment.symlink_to("/etc/hostname")
    with pytest.raises(FileNotFoundError, match="leads out of the library"):
        catalog.open("bunny", f"{RUNG}/1.m4s")


def test_a_title_folder_that_is_a_link_out_of_the_library_is_no_title(
    tmp_path: Path, logger: FilteringBoundLogger
) -> None:
    publish(tmp_path / "outside")
    library = tmp_path / "library"
    library.mkdir()
    (library / "bunny").symlink_to(tmp_path / "outside" / "bunny")
    assert Catalog(library, logger).current("bunny") is None


def test_a_file_of_another_size_than_published_is_not_opened(catalog: Catalog, tmp_path: Path) -> None:
    publish(tmp_path)
    with pytest.raises(OSError, match=r"has 1000 bytes, title\.json says 999"):
        catalog.open("bunny", f"{RUNG}/1.m4s", 999)
