#!/usr/bin/env bash
# Shows that the death of the leader loses nothing.
#
#   docs/examples/failover.sh [DIR]        DIR: the files to import (default /usr/share/zoneinfo)
#
# Starts a cluster of three on free ports, imports DIR through one member, kills the leader with kill -9 when 500
# files are acknowledged, lets the import go on, starts the killed member again, exports from two other members and
# compares. Prints "identical" and ends with 0 when nothing was lost; files that the import has named as too large
# to be values are left out of the comparison. Programs are taken from CONCORD_BIN
# (default .build/release). Only processes that it started are ended.
set -euo pipefail

source_directory=${1:-/usr/share/zoneinfo}
bin=${CONCORD_BIN:-.build/release}
kill_after=500

fail() {
    echo "failover: $*" >&2
    exit 1
}

for program in concordd concord; do
    [ -x "$bin/$program" ] || fail "$bin/$program is missing; build it with: swift build -c release"
done
[ -d "$source_directory" ] || fail "$source_directory is no directory"

# No setting of the caller's shell reaches the programs below.
for variable in $(compgen -e | grep '^CONCORD_' || true); do unset "$variable"; done

work=$(mktemp -d)
started=()
finished=no
clean_up() {
    for process in "${started[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    for process in "${started[@]}"; do
        wait "$process" 2>/dev/null || true
    done
    if [ "$finished" = yes ]; then
        rm -rf "$work"
    else
        echo "failover: logs and data are kept in $work" >&2
    fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Waits until a command succeeds: wait_until SECONDS WHAT COMMAND...
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for $what"
        sleep 0.05
    done
}

is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_base_port() {
    local attempt base offset
    for attempt in $(seq 100); do
        base=$((20000 + RANDOM % 12000))
        for offset in 0 1 10 11 20 21; do
            is_free $((base + offset)) || continue 2
        done
        echo "$base"
        return
    done
    fail "no free ports were found"
}

base=$(free_base_port)
"$bin/concordd" dev --port "$base" --data "$work/data" >"$work/dev.log" 2>&1 &
started+=($!)
wait_until 30 "the cluster" grep -q '^ready' "$work/dev.log"

# "  a  http://127.0.0.1:20000  process 123  log …"
url_of() { awk -v name="$1" '$1 == name && $3 == "process" { print $2 }' "$work/dev.log"; }
process_of() { awk -v name="$1" '$1 == name && $3 == "process" { print $4 }' "$work/dev.log"; }

find_leader() {
    leader=$("$bin/concord" --endpoints "$(url_of a)" status 2>/dev/null | awk '$2 == "leader" { print $1 }')
    [ -n "$leader" ]
}
wait_until 30 "a leader" find_leader
followers=()
for name in a b c; do
    [ "$name" = "$leader" ] || followers+=("$name")
done
entrance=${followers[0]}
third=${followers[1]}
echo "leader $leader; importing $source_directory through $entrance"

mkfifo "$work/progress"
"$bin/concord" --endpoints "$(url_of "$entrance")" import "$source_directory" /failover \
    --in-flight 4 --progress lines --progress-every "$kill_after" >"$work/import.log" 2>"$work/progress" &
importer=$!
started+=("$importer")
killed=no
: >"$work/skipped"
while IFS= read -r line; do
    echo "  $line"
    case $line in
    "skipped "*": too_large: "*)
        skipped=${line#skipped }
        echo "${skipped%%: too_large: *}" >>"$work/skipped"
        ;;
    esac
    if [ "$line" = "imported $kill_after" ] && [ "$killed" = no ]; then
        kill -9 "$(process_of "$leader")"
        kill -0 "$importer" 2>/dev/null || fail "the import had ended before the leader was killed"
        killed=yes
        echo "  killed the leader $leader"
    fi
done <"$work/progress"
status=0
wait "$importer" || status=$?
# 3: all but what was named.
[ "$status" = 0 ] || [ "$status" = 3 ] || fail "the import failed: $(cat "$work/import.log")"
[ "$killed" = yes ] || fail "the import had ended before $kill_after files; name a directory with more"
grep -q "^imported $kill_after files" "$work/import.log" && fail "the import had ended before the leader was killed"
cat "$work/import.log"

# The command that "concordd dev" printed for the member that ended.
restart_command() {
    command=$(awk -v name="$leader" \
        'found { sub(/^ +concordd /, ""); print; exit } $1 == "member" && $2 == name { found = 1 }' "$work/dev.log")
    [ -n "$command" ]
}
wait_until 10 "the command to start $leader again" restart_command
echo "starting $leader again: concordd $command"
# The command holds no quotes and no blanks within words.
# shellcheck disable=SC2086
"$bin/concordd" $command 2>"$work/restarted.log" &
started+=($!)

expected=$source_directory
if [ "$status" = 3 ]; then
    expected=$work/expected
    cp -rL "$source_directory" "$expected"
    while IFS= read -r file; do rm "$expected/${file#"$source_directory"/}"; done <"$work/skipped"
fi

for name in "$third" "$leader"; do
    "$bin/concord" --endpoints "$(url_of "$name")" export /failover "$work/export-$name"
    diff -r "$expected" "$work/export-$name" || fail "the export from $name differs"
    echo "the export from $name equals $source_directory"
done
finished=yes
echo identical
