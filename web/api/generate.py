"""Writes web/api/schema.ts, the TypeScript types of the API: `make types`. Its first line is a hash of OpenAPI's text."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from notewright.server.reference import schema

API = Path(__file__).resolve().parent
FILE = API / "schema.ts"


def openapi() -> str:
    return json.dumps(schema(), sort_keys=True, ensure_ascii=False)


def first_line(text: str) -> str:
    return f"// OpenAPI {hashlib.sha256(text.encode()).hexdigest()}\n"


def main() -> None:
    text = openapi()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "openapi.json"
        source.write_text(text, encoding="utf-8")
        made = Path(folder) / "schema.ts"
        tool = API.parent / "studio" / "node_modules" / ".bin" / "openapi-typescript"
        subprocess.run([str(tool), str(source), "--default-non-nullable=false", "-o", str(made)], check=True, stdout=subprocess.DEVNULL)
        FILE.write_text(first_line(text) + made.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
