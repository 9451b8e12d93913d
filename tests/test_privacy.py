"""Nothing leaves the machine by itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from notewright.settings import TELEMETRY_OFF, silence_telemetry


def test_telemetry_is_switched_off_for_every_library_that_has_a_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TELEMETRY_OFF:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    silence_telemetry()
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert all(os.environ[name] == value for name, value in TELEMETRY_OFF.items())


@pytest.mark.slow
@pytest.mark.parametrize("module", ["notewright.models.engine", "notewright.training.worker"])
def test_heavy_modules_switch_it_off_before_they_import(module: str) -> None:
    script = f"import {module}\nfrom huggingface_hub import constants\nprint(constants.HF_HUB_DISABLE_TELEMETRY)"
    environment = {name: value for name, value in os.environ.items() if name not in TELEMETRY_OFF}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip().endswith("True")


@pytest.mark.slow
def test_a_tracker_sends_nothing_home() -> None:
    pytest.importorskip("mlflow")
    script = "from notewright.settings import silence_telemetry\nsilence_telemetry()\nfrom mlflow.telemetry import utils\n"
    unset = (*TELEMETRY_OFF, "CI", "GITHUB_ACTIONS", "GITLAB_CI")  # in which it says nothing anyway
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    command = [sys.executable, "-c", f"{script}print(utils.is_telemetry_disabled())"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize(("name", "value"), [("MLFLOW_DISABLE_TELEMETRY", "true"), ("GRADIO_ANALYTICS_ENABLED", "False")])
def test_libraries_that_take_one_word_only_get_it(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    silence_telemetry()
    assert os.environ[name] == value


def test_the_guard_of_the_journey_sees_connections(no_network: Path) -> None:
    with pytest.raises(OSError, match="allows no network"):
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    script = "import socket\ntry: socket.create_connection(('127.0.0.1', 9), timeout=1)\nexcept OSError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "allows no network" in done.stdout
    assert no_network.read_text().count("127.0.0.1") == 2
