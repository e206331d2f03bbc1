#!/usr/bin/env python3
"""Generates src/domain/contact/disposable.txt: domains of mailboxes that are made to be thrown away.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install disposable-email-domains==0.0.293
    /tmp/venv/bin/python scripts/disposable-domains.py            # writes the file
    /tmp/venv/bin/python scripts/disposable-domains.py --check    # exit 1 if the file is not what would be written

The list is PyPI's `disposable-email-domains` (see NOTICE). Hosts below a domain of somebody else's (dynamic names) are
left out: they change by the week and are most of its bulk. Raise the version here and above, run, and read the
difference before committing it.
"""

import pathlib
import sys

from disposable_email_domains import allowlist, blocklist

TARGET = pathlib.Path(__file__).resolve().parent.parent / "src/domain/contact/disposable.txt"
# Second levels below which registries sell names: there three labels are a domain of its own.
SECOND_LEVELS = {"co", "com", "net", "org", "edu", "gov", "ac", "eu"}


def own_domain(name: str) -> bool:
    labels = name.split(".")
    return len(labels) == 2 or (len(labels) == 3 and labels[1] in SECOND_LEVELS)


def table() -> str:
    names = {n for n in blocklist if own_domain(n) and n.isascii() and n == n.lower()} - set(allowlist)
    return "".join(f"{name}\n" for name in sorted(names))


def main() -> int:
    text = table()
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.read_text() == text else 1
    TARGET.write_text(text)
    print(f"{TARGET}: {text.count(chr(10))} domains, {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
