#!/bin/sh
# Installs mqbroker from its sources into a virtual environment: the steps of the container file, and of any machine.
#
#   install.sh SOURCES TARGET          for example: install.sh /src /opt/mqbroker
#
# A C compiler makes it three times as fast; without one it is installed interpreted. The versions of what it needs are
# those that it was tested with.
set -eu

sources=$1
target=$2

python3 -m venv "$target"
"$target/bin/pip" install --no-cache-dir --disable-pip-version-check \
    --constraint "$sources/requirements/lock.txt" "$sources"
"$target/bin/mqbroker" --version
