"""The demo that the command line runs."""

import pytest

from divergences.cli import main

pytest.importorskip("matplotlib")


def test_quick_demo(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status = main(["demo", "--quick", "--output", "figures"])
    out, err = capsys.readouterr()
    assert status == 0
    for title in (
        "tumors, feature by feature",
        "all 4 features jointly",
        "threes (P) against",
        "8 normals",
    ):
        assert title in out
    assert "A random half" not in err
    assert all(line.startswith("  ... ") for line in err.splitlines())
    written = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert written == [
        "digits-map.png",
        "generator.png",
        "halves-map.png",
        "tumors-divergences.png",
        "tumors-features.png",
        "tumors-map.png",
    ]
    for name in written:
        assert f"figures/{name}" in out
