# shellcheck shell=sh
# What suites with cards in real readers share: a private pcscd with vpcd, in namespaces of its own where it is root, with its own
# /run and its own loopback, so that nothing on the machine sees it; cards put in and taken out; commands by opensc-tool. A suite reads
# lib.sh, then this file, then calls `own_pcscd NAME "$@"` first of all: what comes after it runs inside.

# shellcheck disable=SC2154 # of lib.sh
softcard=$E2E_BUILD/card/softcard
port=35963
card=

# own_pcscd NAME [inside]: starts the suite again in the namespaces, and there the service. Exit status 77 where that cannot be.
own_pcscd()
{
    readers=$E2E_WORK/$1.pcscd
    if [ "${2:-}" != inside ]; then
        for program in pcscd opensc-tool unshare; do
            command -v $program >/dev/null || { echo "no $program on this machine: skipped"; exit $skipped; }
        done
        driver=$(first_file /usr/lib/pcsc/drivers/serial/libifdvpcd.so*) || { echo "no vpcd on this machine: skipped"; exit $skipped; }
        unshare -Urmn sh -c 'ip link set lo up && mount -t tmpfs t /run' 2>/dev/null ||
            { echo "no namespaces for this user: skipped"; exit $skipped; }
        rm -rf "$readers"
        mkdir -p "$readers/conf"
        # A copy: vpcd keeps its state per file.
        cp "$driver" "$readers/libifdvpcd.so"
        printf 'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:%d\nLIBPATH %s/libifdvpcd.so\nCHANNELID %d\n' \
            $port "$readers" $port >"$readers/conf/vpcd"
        exec unshare -Urmn sh "$0" inside
    fi
    ip link set lo up
    mount -t tmpfs t /run
    mkdir /run/pcscd
    pcscd --foreground --apdu --config "$readers/conf" >"$readers/pcscd.log" 2>&1 &
    pcscd=$!
    trap 'kill $card $pcscd 2>/dev/null || :' EXIT
}

# until_true COMMAND…: tries for ten seconds.
until_true()
{
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "never true: $*"
        sleep 0.1
    done
}

has_card()
{
    opensc-tool -l 2>/dev/null | grep -q "Yes .*Virtual PCD 00 0$1"
}

# await_empty SLOT: the service has seen the last card go; one that is put in before may not be seen.
await_empty()
{
    "$E2E_BUILD/tests/e2e/reader_is_empty" "Virtual PCD 00 0$1" || fail "reader $1 does not become empty"
}

# insert FILE SLOT OPTION…: the card is seen when this returns. A case that fails leaves none in the reader.
insert()
{
    state=$1
    slot=$2
    shift 2
    "$softcard" --reader "$slot" --state "$state" "$@" 2>card.log &
    card=$!
    trap 'kill "$card" 2>/dev/null || :' EXIT
    until_true has_card "$slot"
}

remove()
{
    kill "$card"
    wait "$card" || fail "softcard ended with $?"
    await_empty "$1"
}

# talk SLOT COMMAND…: sends them in one sitting; answers are in `answers`, one a line: data and status word in hex. What opensc-tool
# prints behind the bytes as text may look like bytes: a line of 16 has 64 characters, as has the last of several but for its text; a line
# that is alone is not filled up.
talk()
{
    name=$(opensc-tool -l 2>/dev/null | awk -v want="Virtual PCD 00 0$1" 'index($0, want) { print $1 }')
    shift
    # shellcheck disable=SC2046 # one option and command a word
    set -- $(printf -- '-s %s ' "$@")
    opensc-tool -c default -r "$name" "$@" >said 2>&1 || :
    awk '/^Received/ { if (NR > 1 && sw) print data sw; match($0, /SW1=0x../); sw = substr($0, RSTART + 6, 2)
                       match($0, /SW2=0x../); sw = sw substr($0, RSTART + 6, 2); data = ""; next }
         /^Sending/ { next }
         sw { bytes = data == "" && length($0) < 64 ? length($0) / 4 : length($0) - 48
              line = substr($0, 1, 3 * bytes); gsub(/ /, "", line); data = data line }
         END { if (sw) print data sw }' said >answers
}

# last_is REGEX: the last answer.
last_is()
{
    tail -n 1 answers | grep -qE "^$1\$" || fail "answers: $(cat answers)
$(cat said)"
}
