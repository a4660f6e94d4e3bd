"""Settings: defaults < maktab.toml < environment < what the caller says."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from core.settings import BadSetting, Settings, load


def test_an_embedded_install_needs_no_setting_at_all(tmp_path: Path) -> None:
    settings = load({"MAKTAB_DATA_DIR": str(tmp_path)})
    assert settings.url == f"sqlite:///{tmp_path / 'maktab.db'}"
    assert settings.files_dir == tmp_path / "files"
    assert settings.merchant_plugins == tmp_path / "plugins"


def test_environment_wins_over_file_and_file_over_default(tmp_path: Path) -> None:
    (tmp_path / "maktab.toml").write_text('currency = "EUR"\nport = 9000\njob_threads = 5\n')
    settings = load({"MAKTAB_DATA_DIR": str(tmp_path), "MAKTAB_JOB_THREADS": "7", "PORT": "9001"})
    assert (settings.currency, settings.port, settings.job_threads) == ("EUR", 9001, 7)


def test_caller_wins_over_environment(tmp_path: Path) -> None:
    settings = load({"MAKTAB_DATA_DIR": "/nowhere", "MAKTAB_PORT": "1"}, data_dir=tmp_path, port=8123, host=None)
    assert (settings.data_dir, settings.port, settings.host) == (tmp_path, 8123, "127.0.0.1")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("on", True), ("no", False), ("", False)])
def test_switches_are_read_as_people_write_them(tmp_path: Path, text: str, value: bool) -> None:
    assert load({"MAKTAB_DATA_DIR": str(tmp_path), "MAKTAB_SAFE_MODE": text}).safe_mode is value


def test_wrong_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="port"):
        load({"MAKTAB_DATA_DIR": str(tmp_path), "PORT": "eighty"})


def test_unknown_name_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "maktab.toml").write_text("prot = 9000\n")
    with pytest.raises(BadSetting, match="prot"):
        load({"MAKTAB_DATA_DIR": str(tmp_path)})


def test_a_key_is_made_once_and_only_we_can_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key = settings.key("session")
    assert len(key) == 32
    assert settings.key("session") == key
    assert settings.key("audit") != key
    assert stat.S_IMODE((tmp_path / "keys" / "session").stat().st_mode) == 0o600


def test_a_key_from_the_environment_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKTAB_AUDIT_KEY", "ab" * 32)
    assert Settings(data_dir=tmp_path).key("audit") == b"\xab" * 32
    assert not (tmp_path / "keys").exists()


def test_processes_that_start_together_agree_on_a_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    gate = threading.Barrier(8)

    def read() -> None:
        gate.wait()
        found.append(Settings(data_dir=tmp_path).key("queue"))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
