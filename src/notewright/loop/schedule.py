"""Lines for a timer. They are printed, never installed: what runs at night on a person's machine is theirs to set."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path


def schedule(home: Path, *, at: str = "03:30", options: Sequence[str] = ()) -> str:
    """A systemd user timer and a cron line that run `improve` for this home, with `options`, every night at `at` (HH:MM)."""
    hour, minute = at.split(":")
    program, rest = shlex.quote(sys.executable), shlex.join(["-P", "-m", "notewright.cli", "--home", str(home), "improve", *options])
    command = f"{program} {rest}"
    # Within quotes, too, systemd takes a backslash and a percent sign for more than themselves, and in arguments a dollar sign.
    unit = f"{_literal(program)} {_literal(rest).replace('$', '$$')}"
    return f"""# systemd: two files in ~/.config/systemd/user, then: systemctl --user enable --now notewright-improve.timer

# notewright-improve.service
[Unit]
Description=notewright learns from the day's choices and edits

[Service]
Type=oneshot
Nice=19
IOSchedulingClass=idle
ExecStart={unit}

# notewright-improve.timer
[Unit]
Description=notewright improves every night

[Timer]
OnCalendar=*-*-* {at}:00
Persistent=true

[Install]
WantedBy=timers.target

# or cron: crontab -e, then add
{int(minute)} {int(hour)} * * * nice -n 19 {command.replace("%", chr(92) + "%")}
"""


def _literal(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "%%")
