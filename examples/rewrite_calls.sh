#!/bin/sh
# Rewrite a call pattern in all files of a package: every logger.warning(...) calls another method
# of the logger, with the same arguments.
#
#     sh examples/rewrite_calls.sh FOLDER
#
# What is kept is never offered to the model: of `logger.warning("no %s", name)` it writes `warning`
# alone, as one token. Each file is compiled, in a copy of the current folder, before it is written.
set -eu

infill rewrite "$1" \
    --select 'pattern: logger.warning($$$ARGS)' \
    --keep 'logger.' --keep '(' --keep '$$$ARGS' --keep ')' \
    --length 1 \
    --verify-cmd '{python} -m py_compile {path}' \
    --write
