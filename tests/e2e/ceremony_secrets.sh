#!/bin/sh
# Where components and PINs are after they were typed: nowhere that somebody could find them. Looked for in the process's memory,
# on the screen, in every file of the ceremony, and in what a dump of the process would hold.
# shellcheck source=tests/e2e/ceremony_lib.sh
. "$(dirname "$0")/ceremony_lib.sh"

scan=$E2E_BUILD/tests/support/memory_scan
held=$E2E_WORK/ceremony_secrets/memory_holds_none/hall

# KML's components in halves, as a custodian types them a line at a time.
components='3B6E51C408F7A2D9 9C15E84A70B3D62F 1F2E3D4C5B6A7988 97A6B5C4D3E2F100'
# The key: their sum as it is, and with odd parity, as it is on the token.
keys='24406C88539DDB51 0BB35D8EA351272F 25406D89529DDA51 0BB35D8FA251262F'
pins='=1357246801 =9753186420 =13572 =46801 =97531 =86420'

# texts HEX…: the same as they are written, for memory_scan.
texts()
{
    for hex in "$@"; do
        echo "=$hex"
        echo "=$hex" | tr A-F a-f
        echo "=$(echo "$hex" | sed 's/..../& /g; s/ $//')"
    done
}

# looks QUESTION PATTERN…: memory_scan at this question; its words go to `scanned`.
looks()
{
    asked=$1
    shift
    for pattern in "$@"; do printf ' "%s"' "$pattern"; done >patterns
    echo "status=0; '$scan' \$1 $(cat patterns) >scanned 2>&1 || status=\$?; echo \$status >scan.status" >look.sh
    echo "grep -E '^Max core' /proc/\$1/limits >limits" >>look.sh
    expect 0 people --at "$asked" ". ./look.sh" : "$cardkeys" run plan.yaml
    if [ "$(cat scan.status)" -eq 77 ]; then
        echo "this system does not let a test look into a process: skipped"
        exit 0
    fi
}

# While component 1 is typed its first line is there: the scan sees what is there to be seen.
scan_sees_what_is_there()
{
    hold hall
    # shellcheck disable=SC2086 # words
    looks 'KML/1 component 1: digits 17 to 32' 3B6E51C408F7A2D9
    [ "$(cat scan.status)" -eq 1 ] || fail "not found: $(cat scanned)"
}

memory_holds_none()
{
    hold hall
    # shellcheck disable=SC2046,SC2086 # words
    looks 'step 19: Press Enter' $components $keys $pins $(texts $components $keys | sort -u | grep -v ' ')
    [ "$(cat scan.status)" -eq 0 ] || fail "$(cat scanned)"
    grep -q 'bytes looked at, 0 times' scanned || fail "$(cat scanned)"
    grep -Eq 'Max core file size +0 +0' limits || fail "core files: $(cat limits)"
    cp out screen
    expect 0 people : "$cardkeys" report plan.yaml
    expect 0 "$cardkeys" script plan.yaml
    cp out script
}

# in_files FILE…: none of them holds one of these, as bytes, as digits in any grouping, or as a PIN.
in_files()
{
    for file in "$@"; do
        od -An -v -tx1 "$file" | tr -d ' \n' >hex
        tr -d ' \r\n-' <"$file" >squeezed
        for secret in $components $keys; do
            if grep -qi "$secret" hex; then fail "$file holds the bytes $secret"; fi
            if grep -qia "$secret" squeezed; then fail "$file holds $secret"; fi
        done
        # Five digits turn up by chance in the hashes and signatures of an audit log: those are not searched for PINs.
        sed -E 's/[0-9A-Fa-f]{64,}/#/g' "$file" >without_hashes
        for pin in $pins; do
            if grep -qaF "${pin#=}" without_hashes; then fail "$file holds a PIN"; fi
        done
    done
}

files_hold_none()
{
    cp -rp "$held" hall
    cd hall
    rm patterns look.sh
    find . -type f ! -name softhsm2.conf >files
    for file in screen script example.audit.jsonl example.report.txt kek-1.handover plan.yaml telephone issuer-certificate.request.yaml; do
        grep -qxF "./$file" files || fail "no $file"
    done
    # shellcheck disable=SC2046 # words
    in_files $(grep -v '^\./files$' files)
    for file in example.audit.jsonl example.report.txt example.report.txt.sig *.handover *.pem issuer-certificate.request.*; do
        case $(stat -c %a "$file") in 600) ;; *) fail "$file: mode $(stat -c %a "$file")" ;; esac
    done
}

# An echo of hidden digits would be on the screen: the typescript has every byte of the terminal.
screen_shows_none()
{
    cd "$(dirname "$held")/hall"
    grep -q 'digits 1 to 16 of 32, hidden: ' screen || fail 'that is no typescript'
    in_files screen
}

# Components that the token draws go to their custodians' letters alone.
letters_are_not_on_the_screen()
{
    hold hall '/name: KML/,/name: KMU/{s/Custodian 1, prompt: yes/Custodian 1, letter: "fd:3"/;s/Custodian 2, prompt: yes/Custodian 2, letter: "fd:4"/}'
    mkfifo printer.1 printer.2
    cat printer.1 >letter.1.pdf &
    cat printer.2 >letter.2.pdf &
    # shellcheck disable=SC2016 # that shell expands it
    expect 0 people : sh -c 'exec "$0" run plan.yaml 3>printer.1 4>printer.2' "$cardkeys"
    wait
    relates 'to the printer please. Take the letter as it comes out, seal it, and show it to nobody.'
    cp out screen
    components=''
    for n in 1 2; do
        pdftotext -layout letter.$n.pdf letter.$n
        grep -q "Custodian $n" letter.$n || fail "the letter is not for custodian $n: $(cat letter.$n)"
        kcv=$(sed -n 's/^ *Check value  *\([0-9A-F]\{6\}\).*/\1/p' letter.$n)
        grep -q "Check value of the component that was printed: $kcv" screen || fail "another check value is shown than $kcv"
        grep -q "\"component\":$n,.*\"kcv\":\"$kcv\",\"origin\":\"letter\"" example.audit.jsonl || fail 'the log has another one'
        digits=$(sed -n 's/^ *1: *\([0-9A-F ]*\)$/\1/p' letter.$n | tr -d ' ')
        [ ${#digits} -eq 32 ] || fail "no component in the letter: $(cat letter.$n)"
        components="$components $(echo "$digits" | cut -c 1-16) $(echo "$digits" | cut -c 17-32)"
        [ "$(stat -c %F letter.$n.pdf)" = 'regular file' ] || fail 'no letter'
    done
    keys=''
    in_files screen example.audit.jsonl plan.yaml ./*.handover
    # A regular file is no printer.
    cd ..
    hold other '/name: KML/,/name: KMU/{s/Custodian 1, prompt: yes/Custodian 1, letter: "fd:3"/;s/Custodian 2, prompt: yes/Custodian 2, letter: "fd:4"/}'
    # shellcheck disable=SC2016 # that shell expands it
    expect 2 people : sh -c 'exec "$0" run plan.yaml 3>letter.pdf 4>&3' "$cardkeys"
    [ ! -s letter.pdf ] || fail 'a letter was written to a disk'
}

begin ceremony_secrets softhsm
shows 'the scan sees what is there' scan_sees_what_is_there
shows 'memory holds neither components nor keys nor PINs afterwards' memory_holds_none
shows 'no file of the ceremony holds one, and all are their owner'"'"'s alone' files_hold_none
shows 'the screen shows none' screen_shows_none
shows 'letters go to their printers alone' letters_are_not_on_the_screen
finish
