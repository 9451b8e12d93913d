"""notewright plugin install"""

from __future__ import annotations

import argparse

from ..settings import load_settings
from .hints import say
from .show import as_json, given_path, json_option


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="install", required=True)
    install = actions.add_parser("install", help="copy the plugin into a vault's plugin folder; you switch it on in Obsidian")
    install.add_argument("--vault", metavar="PATH", type=given_path, help="default: the vault of this library")
    install.add_argument("--config", default=".obsidian", metavar="NAME", help="the vault's settings folder (default .obsidian)")
    json_option(install)
    install.set_defaults(handler=install_plugin)


def install_plugin(options: argparse.Namespace) -> None:
    from ..vault.plugin import install_plugin as install

    done = install(options.vault or load_settings().need_vault(), config=options.config)
    if options.json:
        as_json(done)
        return
    what = "installed" if not done.before else f"updated from {done.before}" if done.before != done.version else "installed once more"
    print(f"The plugin is {what}, version {done.version}: {done.folder}")
    again = "switch Notewright off and on" if done.before else "reload the list, switch Notewright on"
    say(f"In Obsidian: Settings, Community plugins, {again}; then start: notewright serve")
