"""`python -m course_tools.author.licences`: LICENCES.md, the licence of each package that set-up installs.

What a package says of itself counts: an SPDX expression, else a word for it. Of packages that other systems alone
install the row stays as it is; a new one begins with `?`, to be filled in by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import metadata
from pathlib import Path

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
    **dict.fromkeys(("MIT", "MIT-0", "MIT-CMU", "BSD", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib"), "keep"),
    **dict.fromkeys(("Apache-2.0", "PSF-2.0", "BSL-1.0", "LLVM-exception"), "keep"),
    **dict.fromkeys(("CC0-1.0", "Public Domain"), "nothing"),
    "MPL-2.0": "share",
}
"""Licence → what it asks of who passes the package on: keep its notice, nothing, or share changes to its own files.

None of them reaches code that only imports the package, so the course's MIT and CC BY 4.0 stand beside all of them.
"""

NOTED = {"docutils": "GPL"}
"""A licence that covers nothing of what is installed: of docutils it is that of its mode for Emacs."""

HEAD = """\
# Licences of what the course installs

Written by `python -m course_tools.author.licences`, from what the packages of `requirements.lock` say of themselves.
The course contains none of them, and each may be used beside its own licences, MIT and CC BY 4.0: they ask to keep a
notice or, MPL-2.0, to share changes to files of the package itself. Where a package names several without saying how
they go together, all are listed. Of docutils, the GPL covers its mode for Emacs alone, which is not installed.

Not in the lock, because each machine takes the build that its index gives it: PyTorch and torchvision, under BSD
licences and those of parts that PyTorch builds in, all of them permissive. PyTorch's builds for NVIDIA's GPUs bring
NVIDIA's own libraries (`nvidia-…`), which are proprietary and may be used under NVIDIA's terms. The course passes none
of them on, and does not need them.

| package | licence |
|---|---|
"""


def locked(root: Path = ROOT) -> Counter[str]:
    """The packages in requirements.lock, and how many versions of each are there, for this Python or that."""
    return Counter(re.findall(r"^([a-z0-9._-]+)==", (root / "requirements.lock").read_text("utf-8"), re.MULTILINE))


def licence(package: str) -> str | None:
    """What an installed package says of its licence, with the names of SPDX as far as it can be; None where it says
    nothing, or is not installed."""
    try:
        told = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return None
    if expression := told.get("License-Expression"):
        return expression
    words = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier", []) if line.startswith("License ::")]
    field = (told.get("License") or "").strip().partition("\n")[0]
    named = [name for word in ([field], words)[not _named(field)] if (name := _named(word))]
    return " AND ".join(sorted(set(named))) or field or None


def strange(package: str, name: str) -> set[str]:
    """The parts of a package's licence, as `licence` or LICENCES.md names it, that the course may not stand beside."""
    return set(re.split(r" AND | OR | WITH |[()]", name)) - {"", NOTED.get(package)} - COMPATIBLE.keys()


def table(root: Path = ROOT) -> dict[str, str]:
    """Package → licence, as LICENCES.md has it."""
    path = root / NAME
    rows = path.read_text("utf-8").partition("|---|---|\n")[2] if path.is_file() else ""
    return dict(re.findall(r"^\| (\S+) \| (.+) \|$", rows, re.MULTILINE))


def write(root: Path = ROOT) -> None:
    """Renew LICENCES.md."""
    known = table(root)
    rows = {package: licence(package) or known.get(package, "?") for package in sorted(locked(root))}
    files.write(root / NAME, HEAD + "".join(f"| {package} | {name} |\n" for package, name in rows.items()))


def check(root: Path = ROOT) -> list[str]:
    """What is wrong with LICENCES.md, and each package whose licence may not be one that the course can stand beside.

    Where the lock has several versions of a package, the row may be that of another than is installed.
    """
    found, packages = table(root), locked(root)
    renew = f"; renew {NAME} with: python -m course_tools.author.licences"
    faults = [f"{package} has no licence in {NAME}{renew}" for package in sorted(packages) if package not in found]
    faults += [f"{package} is in {NAME} and not in the lock{renew}" for package in found if package not in packages]
    for package, name in found.items():
        said = licence(package) or name
        if said != name and packages[package] == 1:
            faults.append(f"{package} is under {said}, {NAME} says {name}{renew}")
        if unknown := strange(package, name) | strange(package, said):
            names = ", ".join(sorted(unknown))
            faults.append(f"{package} is under {names}: may the course require it? If so, name it in COMPATIBLE")
    return faults


def _named(word: str) -> str | None:
    return next((name for pattern, name in WORDS.items() if re.fullmatch(pattern, word, re.IGNORECASE)), None)


if __name__ == "__main__":
    write()
    print("\n".join(check()) or f"{NAME}: {len(locked())} packages")
