#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""readme.py FILE NAME: the commands of FILE's code blocks that open with ```sh NAME, as one script.

What a reader is told to type is what the tests run: word for word.
"""

import re
import sys


def blocks(path, name):
    """The blocks' texts, in their order."""
    with open(path, encoding="utf-8") as file:
        found = re.findall(r"^```sh %s\n(.*?)^```$" % re.escape(name), file.read(), re.MULTILINE | re.DOTALL)
    if not found:
        raise SystemExit("%s has no block named %s" % (path, name))
    return found


if __name__ == "__main__":
    print("set -eux\n" + "\n".join(blocks(sys.argv[1], sys.argv[2])), end="")
