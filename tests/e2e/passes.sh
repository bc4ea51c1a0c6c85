#!/bin/sh
# Output as input: what is copied, what is replaced, and what a further pass refuses.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# The first pass, once for all cases: 6 cards, the fifth without loyalty.
first_pass()
{
    job job
    cards 6
    expect 0 "$cardprep" run job.yaml
    accepted demo.mic 'accepted: 6 records, 17 entries'
}

second_pass()
{
    for file in demo.mic cards.csv; do cp "../first_pass/$file" .; done
    cards 6 points
    job job-second-pass "$@"
}

# entries FILE AID…: all that the reader knows of these entries, nothing masked.
entries()
{
    file=$1
    shift
    "$reader" --dump demo.keys.json "$file" >entries.dump
    for aid in "$@"; do grep "/entry $aid/" entries.dump; done
}

loyalty_is_replaced()
{
    second_pass
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml
    accepted demo-second-pass.mic 'accepted: 6 records, 17 entries'
    entries demo.mic A000000003101001 A0000000031010 >before
    entries demo-second-pass.mic A000000003101001 A0000000031010 >after
    [ -s before ] || fail 'no entries in the dump'
    cmp before after || fail 'a copied entry has changed'
    entries demo-second-pass.mic F04C4F59414C5459 >loyalty
    # 37 points, and 100 more from the second pass: 137
    grep -q 'record 1/.*DF22 = 00000089' loyalty || fail "points of card 1: $(cat loyalty)"
    "$reader" --dump demo.keys.json demo.mic | grep '/CARD/\|/EMBOSS/\|/MAGSTRP/\|/PHOTO/\|JOB/D5\|JOB/DC\|JOB/CE' >before
    "$reader" --dump demo.keys.json demo-second-pass.mic | grep '/CARD/\|/EMBOSS/\|/MAGSTRP/\|/PHOTO/\|JOB/D5\|JOB/DC\|JOB/CE' >after
    cmp before after || fail 'identities, numbers or other groups have changed'
}

third_pass_names_both()
{
    second_pass
    expect 0 "$cardprep" run job.yaml
    change job.yaml 's/demo-second-pass/demo-third-pass/; s/file: demo.mic/file: demo-second-pass.mic/'
    expect 0 "$cardprep" run job.yaml
    accepted demo-third-pass.mic 'accepted: 6 records, 17 entries'
    first=$("$reader" --dump demo.keys.json demo.mic | sed -n 's/^JOB.D2 = //p')
    second=$("$reader" --dump demo.keys.json demo-second-pass.mic | sed -n 's/^JOB.D2 = //p')
    "$reader" --dump demo.keys.json demo-third-pass.mic | sed -n 's/^JOB.D9.* = //p' | tr -d '\n' >passes
    [ "$(cat passes)" = "$first$second" ] || fail "earlier passes: $(cat passes)"
}

sealed_input_needs_signers()
{
    second_pass '/^signers/d'
    refused 5 'signer' demo-second-pass.mic
}

another_signer_is_refused()
{
    second_pass 's/demo-signer.pem/other.pem/'
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null | openssl pkey -pubout >other.pem
    refused 5 'demo.mic' demo-second-pass.mic
}

# A bit in every 1/25 of the file, and in the last byte of the signature.
changed_bits_are_refused()
{
    second_pass 's/file: demo.mic/file: demo.mic.flipped/'
    size=$(wc -c <demo.mic)
    part=0
    while [ $part -le 25 ]; do
        at=$(((size - 1) * part / 25))
        flip demo.mic "$at"
        status=0
        "$cardprep" run job.yaml >out 2>err || status=$?
        case $status in 4 | 5) ;; *) fail "bit at $at: exit status $status: $(cat err)" ;; esac
        one_message
        says 'demo.mic.flipped'
        nothing_there demo-second-pass.mic
        if "$cardprep" verify demo.mic.flipped --signer demo-signer.pem >/dev/null 2>&1; then
            fail "verify takes the file with a changed bit at $at"
        fi
        part=$((part + 1))
    done
}

cut_input_is_refused()
{
    second_pass 's/file: demo.mic/file: cut.mic/'
    size=$(wc -c <demo.mic)
    for left in 0 1 7 100 $((size / 2)) $((size - 400)) $((size - 1)); do
        head -c "$left" demo.mic >cut.mic
        status=0
        "$cardprep" run job.yaml >out 2>err || status=$?
        case $status in 4 | 5) ;; *) fail "$left bytes: exit status $status: $(cat err)" ;; esac
        one_message
        nothing_there demo-second-pass.mic
    done
}

trailing_byte_is_refused()
{
    second_pass 's/file: demo.mic/file: longer.mic/'
    { cat demo.mic && printf x; } >longer.mic
    status=0
    "$cardprep" run job.yaml >out 2>err || status=$?
    case $status in 4 | 5) ;; *) fail "exit status $status: $(cat err)" ;; esac
    nothing_there demo-second-pass.mic
}

sealed_entry_needs_replace()
{
    second_pass 's/, replace: yes//'
    refused 4 'record 1' demo-second-pass.mic
    says 'replace'
}

strict_refuses_unnamed_entries()
{
    second_pass 's/^output/strict: yes\noutput/'
    refused 4 'record 1' demo-second-pass.mic
    says 'strict'
}

# An issuer's own system wrote the entry open: its elements are put into the groupings, what is left stays loose.
open_entry_gives_the_elements()
{
    # AID, then DF21 (member number), DF22 (points), DF30 (nobody's)
    data='DF2106770000000042DF220400000007DF3002AABB'
    entry="08F04C4F59414C5459$(printf %08X $((6 + 4 + ${#data} / 2 + 2 + 1)))000000000000$(printf %08X $((${#data} / 2)))${data}000000"
    { printf 'CHIP   %07d' $((${#entry} / 2)) && hex_bytes "$entry"; } >group
    { printf %07d "$(wc -c <group)" && cat group; } >open.mic
    job job-second-pass 's/^signers.*//; s/^join:.*//; s/^  - {name: points.*//; s/, optional: yes, replace: yes//
        s/input: .*/input: {format: mic, file: open.mic}/'
    expect 0 "$cardprep" run job.yaml
    accepted demo-second-pass.mic 'accepted: 1 records, 1 entries (0 open)'
    "$reader" --dump demo.keys.json demo-second-pass.mic >dump
    grep -q 'E2 0101/C9/70/DF21 = 770000000042' dump || fail "$(cat dump)"
    grep -q 'E2 0101/C9/70/DF22 = 00000007' dump || fail "$(cat dump)"
    grep -q 'F04C4F59414C5459/DF30 = AABB' dump || fail "$(cat dump)"
}

begin passes softhsm
shows 'a first pass' first_pass
shows 'a second pass replaces one application and copies the others' loyalty_is_replaced
shows 'a third pass names both passes before it' third_pass_names_both
shows 'a sealed input needs signers in the job' sealed_input_needs_signers
shows "another one's signature is refused" another_signer_is_refused
shows 'a changed bit anywhere in a sealed input is refused' changed_bits_are_refused
shows 'a sealed input that was cut is refused' cut_input_is_refused
shows 'a byte behind the end record is refused' trailing_byte_is_refused
shows 'a sealed entry is not replaced unless the job says so' sealed_entry_needs_replace
shows 'strict refuses entries that the job does not name' strict_refuses_unnamed_entries
shows "an open entry's elements go into the groupings" open_entry_gives_the_elements
finish
