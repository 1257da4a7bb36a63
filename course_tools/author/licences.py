"""Write LICENCES.md, the licence of each package in requirements.lock: `python -m course_tools.author.licences`.

A package's own metadata count: an SPDX expression, else a word for it. The row of a package that only other systems
install stays as it is; a new one begins with `?`, to be filled in by hand. (pip-licenses reads the same metadata, of
what is installed here alone: it has no rows for such packages, and does not map words to SPDX names.)
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import metadata
from pathlib import Path

from course_tools.templates import render
from course_utils.core import files
from course_utils.core.profiles import ROOT

NAME = "LICENCES.md"

WORDS = {
    r"(3-clause )?BSD[- ]3-Clause( License)?": "BSD-3-Clause",
    r"BSD[- ]2-Clause( License)?|2-clause BSD": "BSD-2-Clause",
    r"BSD( License)?": "BSD",
    r"Apache([ -]2\.0| Software License|( License)?, Version 2\.0)": "Apache-2.0",
    r"MIT( License)?": "MIT",
    r"ISC( License)?( \(ISCL\))?": "ISC",
    r"PSFL?|PSF-2\.0|Python Software Foundation License": "PSF-2.0",
    r"MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)": "MPL-2.0",
    r"Public Domain": "Public Domain",
    r"GNU General Public License \(GPL\)": "GPL",
}
"""What packages call the licences that they give in words → one name for each."""

COMPATIBLE = {
    *("MIT", "MIT-0", "MIT-CMU", "BSD", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib", "Apache-2.0", "PSF-2.0"),
    *("BSL-1.0", "LLVM-exception", "CC0-1.0", "Public Domain", "MPL-2.0"),
}
"""Licences that the course's MIT and CC BY 4.0 may stand beside: none reaches code that only imports the package."""

NOT_INSTALLED = {"docutils": "GPL"}
"""A licence that covers nothing of what is installed: of docutils it is that of its mode for Emacs."""


def locked(root: Path = ROOT) -> Counter[str]:
    """Count the versions of each package in requirements.lock: some have one for each Python."""
    return Counter(re.findall(r"^([a-z0-9._-]+)==", (root / "requirements.lock").read_text("utf-8"), re.MULTILINE))


def licence(package: str) -> str | None:
    """Read an installed package's licence, by the names of SPDX where it can be; None where it says nothing."""
    try:
        found = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return None
    if expression := found.get("License-Expression"):
        return expression
    words = [line.rpartition(" :: ")[2] for line in found.get_all("Classifier", []) if line.startswith("License ::")]
    field = (found.get("License") or "").strip().partition("\n")[0]
    named = {name for word in (words if _spdx(field) is None else [field]) if (name := _spdx(word))}
    return " AND ".join(sorted(named)) or field or None


def incompatible(package: str, name: str) -> set[str]:
    """Find the parts of a package's licence, as `licence` or LICENCES.md names it, that are not in COMPATIBLE."""
    return set(re.split(r" AND | OR | WITH |[()]", name)) - {"", NOT_INSTALLED.get(package)} - COMPATIBLE


def table(root: Path = ROOT) -> dict[str, str]:
    """Read package → licence from LICENCES.md."""
    path = root / NAME
    rows = path.read_text("utf-8").partition("|---|---|\n")[2] if path.is_file() else ""
    return dict(re.findall(r"^\| (\S+) \| (.+) \|$", rows, re.MULTILINE))


def write(root: Path = ROOT) -> None:
    """Renew LICENCES.md."""
    known = table(root)
    rows = {package: licence(package) or known.get(package, "?") for package in sorted(locked(root))}
    files.write(root / NAME, render("licences.md", rows=rows))


def check(root: Path = ROOT) -> list[str]:
    """List what is wrong with LICENCES.md, and the packages whose licence is not in COMPATIBLE.

    Where the lock has several versions of a package, the row may be that of another than is installed.
    """
    found, packages = table(root), locked(root)
    renew = f"; renew {NAME} with: python -m course_tools.author.licences"
    faults = [f"{package} has no licence in {NAME}{renew}" for package in sorted(packages) if package not in found]
    for package, name in found.items():
        installed = licence(package) or name
        if package not in packages:
            faults.append(f"{package} is in {NAME} and not in the lock{renew}")
        if installed != name and packages[package] == 1:
            faults.append(f"{package} is under {installed}, {NAME} says {name}{renew}")
        if unknown := incompatible(package, name) | incompatible(package, installed):
            names = ", ".join(sorted(unknown))
            faults.append(f"{package} is under {names}: may the course require it? If so, name it in COMPATIBLE")
    return faults


def _spdx(word: str) -> str | None:
    return next((name for pattern, name in WORDS.items() if re.fullmatch(pattern, word, re.IGNORECASE)), None)


if __name__ == "__main__":
    write()
    print("\n".join(check()) or f"{NAME}: {len(locked())} packages")
