"""Bring the catalogues up to the texts in the code: extract, update, compile. `--check` only reports.

One catalogue for core and themes, one for each plugin that has a `locale` folder. English is the source.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
METHODS = [
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("**/plugin.toml", "core.i18n.extraction:manifest"),
]
OPTIONS = {"**/templates/**.html": {"trimmed": "true"}}
KEYWORDS = {**DEFAULT_KEYWORDS, "__": None, "N_": None, "_n": (1, 2)}
HEADER = "# Texts of Maktab. `make translations` keeps it; write the msgstr lines only.\n"


def rooms() -> dict[Path, list[Path]]:
    """{locale folder: folders whose texts are in it}."""
    homes = (ROOT / "plugins", ROOT / "tests" / "plugins")
    plugins = {folder: [folder.parent] for home in homes for folder in sorted(home.glob("*/locale"))}
    return {ROOT / "core" / "locale": [ROOT / "core", ROOT / "themes"], **plugins}


def template(folders: list[Path]) -> Catalog:
    found = Catalog()
    for folder in folders:
        for _file, _line, text, comments, context in extract_from_dir(folder, METHODS, OPTIONS, KEYWORDS):
            if "tests" not in Path(_file).parts:
                found.add(text, None, auto_comments=comments, context=context)
    return found


def updated(po: Path, source: Catalog) -> Catalog:
    """The catalogue of `po` with exactly the texts of `source`; nothing is guessed."""
    with po.open("rb") as old:
        catalog = read_po(old, locale=po.parts[-3])
    catalog.update(source, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    return catalog


def as_po(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    catalog.header_comment = HEADER
    write_po(out, catalog, width=120, no_location=True, sort_output=True, omit_header=False)
    return out.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def missing(catalog: Catalog) -> list[str]:
    """Texts without a translation in every plural form."""
    return [str(one.id) for one in catalog if one.id and not all(_forms(one.string))]


def _forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return list(text) if isinstance(text, tuple | list) else [text or ""]


def main() -> int:
    check, problems = "--check" in sys.argv, 0
    for folder, sources in rooms().items():
        source = template(sources)
        for po in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
            catalog = updated(po, source)
            problems += len(missing(catalog))
            report = f"{po.relative_to(ROOT)}: {len(catalog)} texts"
            sys.stdout.write(f"{report}, without translation: {missing(catalog) or 'none'}\n")
            if not check:
                po.write_bytes(as_po(catalog))
                po.with_suffix(".mo").write_bytes(as_mo(catalog))
    return 1 if check and problems else 0


if __name__ == "__main__":
    sys.exit(main())
