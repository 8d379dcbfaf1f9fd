# pause SECONDS: the pace of a loop that waits for a condition, and of chance; without a process.
# What is read never comes. One process substitution serves for all: bash 5.2 keeps in mind those that are over, and when
# a later child gets the process id of one, it waits for that child for ever.
# shellcheck shell=bash
exec {never}<> <(:)
pause() { read -r -t "$1" <&"$never" || true; }
