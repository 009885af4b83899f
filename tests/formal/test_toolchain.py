"""Java and the jar are found where users have them; what is missing is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingregistrywf.formal import toolchain
from pingregistrywf.formal.toolchain import JAR_VARIABLE, MissingToolError, find_toolchain


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only Java there is; it is on the path."""
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv(JAR_VARIABLE, raising=False)
    return program


def test_what_is_installed(java: Path) -> None:
    found = find_toolchain()
    assert found.java == java
    assert found.jar.name == "tla2tools.jar"
    assert found.jar.is_file()


def test_java_home_comes_before_the_path(
    java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_toolchain().java == java
    (home / "bin" / "java").touch()
    assert find_toolchain().java == home / "bin" / "java"


def test_a_jar_that_is_named_comes_before_the_variable(
    java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, variable = tmp_path / "named.jar", tmp_path / "variable.jar"
    named.touch()
    variable.touch()
    monkeypatch.setenv(JAR_VARIABLE, str(variable))
    assert find_toolchain().jar == variable
    assert find_toolchain(named).jar == named


def test_without_java(java: Path) -> None:
    java.unlink()
    with pytest.raises(MissingToolError, match=r"Java is not installed.*default-jre-headless"):
        find_toolchain()


def test_a_jar_that_is_not_there(java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JAR_VARIABLE, "nowhere.jar")
    with pytest.raises(MissingToolError, match="there is no jar nowhere"):
        find_toolchain()


def test_without_the_extra(java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match=rf"pip install .*\[formal\].*{JAR_VARIABLE}"):
        find_toolchain()
