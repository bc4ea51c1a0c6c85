#!/bin/sh
# The way back: remake lists, and return files held against what was ordered. The return files are made here by hand, with
# openssl, and so is the check of what the token signed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

id=00112233445566778899AABBCCDDEEFF

# hash [FILE]: SHA-256 in upper case.
hash()
{
    openssl dgst -sha256 -r "$@" | cut -c 1-64 | tr a-f A-F
}

# signed FILE KEY CONTEXT: the last lines of a file, behind its count.
signed()
{
    printf 'signer: %s\n' "$(openssl pkey -in "$2" -pubout -outform DER | hash)" >>"$1"
    printf 'hash: %s\n' "$(hash "$1")" >>"$1"
    { printf '%s\0' "$3"; sed -n 's/^hash: //p' "$1" | basenc --base16 -d; } >tbs
    printf 'signature: %s\n' "$(openssl dgst -sha256 -sign "$2" tbs | basenc --base16 -w 0)" >>"$1"
}

# returns NAME MIC LINE…: a return file of this MIC file. Lines are "NUMBER OUTCOME SERIAL MINUTE REASON".
returns()
{
    name=$1
    mic=$2
    shift 2
    "$reader" --dump demo.keys.json "$mic" >dump
    {
        echo 'cardprep return 1'
        echo 'bureau: bureau-a'
        echo "job: $(sed -n 's/^JOB.D2 = //p' dump)"
        echo "name: $(sed -n 's/^JOB.D3 = //p' dump)"
        echo "shard: $(sed -n 's/^JOB.CE = 000\(.\)000\(.\)/\1\/\2/p' dump)"
        echo "file: $(sed -n 's/^END.DD = //p' dump)"
        echo 'created: 2026-11-26T10:00:00Z'
        for line in "$@"; do
            # shellcheck disable=SC2086 # five words
            printf '%d demo-%06d %s %s 2026-11-26T09:%s:00Z %s\n' "${line%% *}" $line
        done
        echo "lines: $#"
    } >"$name"
    signed "$name" bureau.key cardprep-return-1
}

# keys: of a bureau, and of a stranger.
keys()
{
    for who in bureau stranger; do
        openssl genrsa -out $who.key 2048 2>/dev/null
        openssl pkey -in $who.key -pubout -out $who.pem
    done
}

# ordered N: the demo's job of N cards with an audit log, and its MIC file.
ordered()
{
    cards "$1"
    job job 's/^output/audit_log: audit.jsonl\noutput/'
    : >audit.jsonl
    chmod 600 audit.jsonl
    keys
    expect 0 "$cardprep" run job.yaml --job-id $id
}

# reconciled STATUS FILE…
reconciled()
{
    due_status=$1
    shift
    expect "$due_status" "$cardprep" reconcile --signer demo-signer.pem --bureau-signer bureau.pem "$@"
}

# logged EVENT MEMBERS: the last line of the log.
logged()
{
    tail -n 1 audit.jsonl | grep -qF "\"event\":\"$1\",$2" || fail "the log lacks $1 $2: $(tail -n 1 audit.jsonl)"
}

all_made()
{
    ordered 3
    returns all.return demo.mic '1 made A1 10 -' '2 made A2 11 -' '3 made A3 12 -'
    reconciled 0 job.yaml --returns all.return
    tells "job 'demo' (00112233445566778899aabbccddeeff): 3 records"
    tells '3 made'
    tells 'every record is accounted for'
    logged reconcile '"job":"00112233445566778899aabbccddeeff","job_name":"demo","records":3,"not_told":0,"made":3'
    # Told twice counts once; so does a day by itself.
    returns day.return demo.mic '2 made A2 11 -'
    reconciled 0 demo.mic all.return day.return all.return --json
    tells '"made": 3'
    tells '"closed": true'
    returns none.return demo.mic
    reconciled 4 demo.mic none.return
    tells "not-told: job 'demo': records 1 to 3: no return file tells of it"
    tells '  3 not told: ask the bureau for its next return file'
    says 'all files were read; 3 of 3 records are not accounted for yet: see above which they are, and what to do'
    reconciled 4 demo.mic none.return --json
    says "3 of 3 records are not accounted for yet: see 'findings'"
    reconciled 4 demo.mic
    reconciled 4 demo.mic --returns day.return
    tells "not-told: job 'demo': record 1: "
    tells "not-told: job 'demo': record 3: "
}

what_is_not_closed()
{
    ordered 4
    returns a.return demo.mic '1 spoiled A1 10 power-loss' '2 made A2 11 -' '2 missing - 12 not-found' \
        '3 made A3 12 -' '3 destroyed A3 13 print' '4 missing - 14 lost'
    reconciled 4 demo.mic a.return
    tells "spoiled: job 'demo': record 1: card A1 is spoiled, and there is no other"
    tells "missing: job 'demo': record 2: the bureau does not know where card A2 is"
    tells "missing: job 'demo': record 4: the bureau does not know where card ? is"
    tells '  1 spoiled: to be made again by a remake list'
    tells '  1 destroyed'
    tells '  2 missing: ask the bureau'
    says '3 of 4 records are not accounted for yet: '
    reconciled 4 demo.mic a.return --json
    tells '{"kind": "spoiled", "job_id": "00112233445566778899aabbccddeeff", "first": 1, "last": 1, "text": "card A1'
    tells '"closed": false'
}

# The list is looked at by hand: what the token signed, and with which key.
remade()
{
    ordered 4
    expect 0 "$cardprep" remake job.yaml --records 4,2=a2b3 --reason power-loss --output 1.remake
    list=$(wc -l <audit.jsonl)
    tells "1.remake: remake list $list of job 'demo' (00112233445566778899aabbccddeeff), 2 records"
    logged remake '"job":"00112233445566778899aabbccddeeff","job_name":"demo","count":2,"records":"2, 4","reason":"power-loss"'
    grep -qx "serial: $list" 1.remake || fail "its number is not $list"
    sed -n '/^[0-9]/p' 1.remake >entries
    printf '2 A2B3 power-loss\n4 - power-loss\n' | cmp - entries
    [ "$(sed '/^hash: /,$d' 1.remake | hash)" = "$(sed -n 's/^hash: //p' 1.remake)" ] || fail 'its hash'
    { printf 'cardprep-remake-1\0'; sed -n 's/^hash: //p' 1.remake | basenc --base16 -d; } >tbs
    sed -n 's/^signature: //p' 1.remake | basenc --base16 -d >signature
    openssl dgst -sha256 -verify demo-signer.pem -signature signature tbs
    [ "$(stat -c %a 1.remake)" = 600 ] || fail 'its mode is not 0600'

    returns a.return demo.mic '1 made A1 10 -' '2 spoiled A2B3 11 power-loss' "2 remade A6 12 remake-$list" \
        '3 made A3 12 -' '4 made A4 13 -' '4 missing A4 14 lost' "4 remade A7 15 remake-$list"
    reconciled 0 job.yaml a.return 1.remake
    tells '  2 made'
    tells '  2 remade'
    # Without the list there is no authority.
    reconciled 4 demo.mic a.return
    tells "no-authority: job 'demo': record 2: has a new card that no remake list allows (cards A2B3, A6)"
    tells "no-authority: job 'demo': record 4: "
    tells 'something is wrong with 2 of them: see above, and tell an officer'
    says 'all files were read; something is wrong with 2 of 4 records: see above which they are, and what to do'
    # The next list has a higher number, and this one is not replaced.
    expect 6 "$cardprep" remake job.yaml --records 1 --reason lost --output 1.remake
    expect 0 "$cardprep" remake job.yaml --records 1 --reason lost --output 2.remake
    [ "$(sed -n 's/^serial: //p' 2.remake)" -gt "$list" ] || fail 'its number does not rise'
    # It is for another record, and one entry is for one card.
    returns b.return demo.mic '1 made A1 10 -' '2 spoiled A2B3 13 x' "2 remade A9 14 remake-$list" \
        '2 destroyed A9 15 x' "2 remade AA 16 remake-$list" '3 spoiled A3 11 x' "3 remade A8 12 remake-$list" '4 made A4 17 -'
    reconciled 4 demo.mic b.return 1.remake
    tells "no-authority: job 'demo': record 2: has a new card that no remake list allows (cards A2B3, A9, AA)"
    tells "no-authority: job 'demo': record 3: "
    # In place of a card that it is not.
    returns d.return demo.mic '1 made A1 10 -' '2 spoiled BB 11 x' "2 remade A6 12 remake-$list" '3 made A3 12 -' '4 made A4 12 -'
    reconciled 4 demo.mic d.return 1.remake
    tells "no-authority: job 'demo': record 2: "
    returns e.return demo.mic '1 made A1 10 -' '2 spoiled BB 11 x' "2 remade A6 12 remake-$list" '3 made A3 12 -'
    reconciled 4 demo.mic e.return 1.remake
    says '1 of 4 records are not accounted for yet, and something is wrong with 1: '
}

what_must_not_be()
{
    ordered 4
    returns a.return demo.mic '1 made A1 10 -' '2 made A2 11 -' '3 made A1 12 -' '4 made A4 13 -' '7 made A7 14 -'
    returns b.return demo.mic '2 made B2 11 -'
    reconciled 4 demo.mic a.return b.return
    tells "made-twice: job 'demo': record 2: has two live cards (cards A2, B2)"
    tells "no-authority: job 'demo': record 2"
    tells "same-card: job 'demo': record 3: card A1 is also that of record 1"
    tells "unknown-record: job 'demo': record 7: a return file tells of it, and no MIC file has it"
    sed 's/demo-000004/demo-000005/; /^signer: /,$d' a.return >c.return
    signed c.return bureau.key cardprep-return-1
    reconciled 4 demo.mic c.return
    tells "other-object: job 'demo': record 4: "
    sed 's/^file: ../file: 00/; /^signer: /,$d' a.return >d.return
    signed d.return bureau.key cardprep-return-1
    reconciled 4 demo.mic d.return
    tells "unknown-file: return file 'd.return' (5 lines) is of a MIC file that is not given"
    returns good.return demo.mic '1 made A1 10 -' '2 made A2 11 -' '3 made A3 12 -' '4 made A4 13 -'
    reconciled 4 demo.mic good.return d.return
    says 'every record is accounted for, but not everything that the files say: see above'
    sed 's/^name: demo/name: other/; /^signer: /,$d' a.return >e.return
    signed e.return bureau.key cardprep-return-1
    reconciled 4 demo.mic e.return
    tells 'names job, name or shard otherwise'
}

# Who signs what is kept apart: a bureau cannot allow itself a second card.
who_signs()
{
    ordered 2
    returns a.return demo.mic '1 spoiled A1 10 x' '1 remade A6 11 remake-1' '2 made A2 12 -'
    printf 'cardprep remake 1\njob: %s\nname: demo\nserial: 1\ncreated: 2026-11-26T09:00:00Z\n1 A1 x\nlines: 1\n' $id >own.remake
    signed own.remake bureau.key cardprep-remake-1
    reconciled 5 demo.mic a.return own.remake
    says 'own.remake: line 10: signature: signed by a key that is none of the 1 trusted ones'
    sed '/^signer: /,$d' a.return >b.return
    signed b.return stranger.key cardprep-return-1
    reconciled 5 demo.mic b.return
    says 'b.return: line 14: signature: signed by a key that is none'
    sed '/^signer: /,$d' a.return >c.return
    signed c.return bureau.key cardprep-remake-1
    reconciled 5 demo.mic c.return
    says 'c.return: line 14: signature'
    sed 's/T09:10/T09:09/' a.return >d.return
    reconciled 5 demo.mic d.return
    says 'hash: does not verify: the file was changed'
    expect 2 "$cardprep" reconcile demo.mic
    says '--signer PEM'
    expect 2 "$cardprep" reconcile --signer demo-signer.pem demo.mic a.return
    says '--bureau-signer PEM'
    expect 2 "$cardprep" reconcile --signer demo-signer.pem a.return
    says 'name the job or its MIC files'
    expect 5 "$cardprep" reconcile --signer bureau.pem --bureau-signer bureau.pem demo.mic a.return
}

# Records that the issuer set aside were never ordered.
set_aside()
{
    cards 4
    change cards.csv '3s/^[^,]*,[^,]*/&x/'
    job job 's/^on_bad_record: stop/on_bad_record: set-aside/; s/^output: .*/output: {file: demo.mic, set_aside: bad.csv}/'
    keys
    expect 4 "$cardprep" run job.yaml --job-id $id
    returns a.return demo.mic '1 made A1 10 -' '3 made A3 11 -' '4 made A4 12 -'
    reconciled 0 demo.mic a.return
    tells '  1 set aside'
    returns b.return demo.mic '1 made A1 10 -' '2 made A2 10 -' '3 made A3 11 -' '4 made A4 12 -'
    reconciled 4 demo.mic b.return
    tells "not-ordered: job 'demo': record 2: was set aside, and yet there is a card (cards A2)"
    expect 4 "$cardprep" remake job.yaml --records 2 --reason x --serial 1 --output x.remake
    says 'record 2 was set aside'
    [ ! -e x.remake ] || fail 'there is a list'
}

shards()
{
    cards 5
    job job
    keys
    expect 0 "$cardprep" run job.yaml --job-id $id --shard 1/2 --output 1.mic
    expect 0 "$cardprep" run job.yaml --job-id $id --shard 2/2 --output 2.mic
    returns 1.return 1.mic '1 made A1 10 -' '2 made A2 11 -'
    returns 2.return 2.mic '3 made A3 10 -' '4 made A4 11 -' '5 made A5 12 -'
    reconciled 0 1.return 2.mic 1.mic 2.return
    tells '  5 made'
    reconciled 4 2.mic 2.return
    tells "missing-file: job 'demo': shard 1 of 2 is not given"
    tells '  2 in shards that are not given: name their MIC files, too'
    says '2 of 5 records are not accounted for yet: '
    reconciled 4 1.mic 2.mic 2.return
    tells "not-told: job 'demo': records 1 to 2: "
    # A job without a log: the number comes from whoever asks for the list.
    expect 2 "$cardprep" remake job.yaml --records 1,4 --reason x --mic 1.mic --mic 2.mic --output x.remake
    says 'give --serial N'
    expect 0 "$cardprep" remake job.yaml --records 1,4 --reason x --mic 1.mic --mic 2.mic --serial 9 --output x.remake
    grep -qx 'serial: 9' x.remake || fail 'its number'
    expect 4 "$cardprep" remake job.yaml --records 1,4 --reason x --mic 1.mic --serial 9 --output y.remake
    says 'no MIC file that is given has record 4'
    expect 6 "$cardprep" remake job.yaml --records 1 --reason x --serial 9 --output y.remake
}

# Cards are to be made from the last pass.
passes()
{
    ordered 6
    cards 6 points
    job job-second-pass
    expect 0 "$cardprep" run job.yaml
    returns a.return demo.mic '1 made A1 10 -' '2 made A2 10 -' '3 made A3 10 -' '4 made A4 10 -' '5 made A5 10 -' '6 made A6 10 -'
    returns b.return demo-second-pass.mic '1 made A1 10 -' '2 made A2 10 -' '3 made A3 10 -' '4 made A4 10 -' '5 made A5 10 -' '6 made A6 10 -'
    reconciled 0 demo.mic a.return
    reconciled 0 demo.mic demo-second-pass.mic b.return
    reconciled 0 demo-second-pass.mic demo.mic b.return
    reconciled 4 demo-second-pass.mic demo.mic a.return
    tells 'was made from an older pass'
}

wrong_lists()
{
    ordered 3
    lines=$(wc -l <audit.jsonl)
    for records in '' x 0 1x 3-2 1,1 1,1-2 1=0 1=XY 1- 1-2=AA; do
        expect 2 "$cardprep" remake job.yaml "--records=$records" --reason x --output a.remake
    done
    expect 2 "$cardprep" remake job.yaml --records 1 --reason 'two words' --output a.remake
    expect 2 "$cardprep" remake job.yaml --records 1 --reason x --serial 5 --output a.remake
    says 'the job has an audit log'
    expect 4 "$cardprep" remake job.yaml --records 4 --reason x --output a.remake
    flip demo.mic 2000
    expect 5 "$cardprep" remake job.yaml --records 1 --reason x --mic demo.mic.flipped --output a.remake
    [ ! -e a.remake ] || fail 'there is a list'
    [ "$(wc -l <audit.jsonl)" -eq "$lines" ] || fail 'the log tells of a list'
}

begin returns softhsm
shows 'every card made' all_made
shows 'spoiled, destroyed, missing' what_is_not_closed
shows 'made again by authority of a remake list' remade
shows 'two cards, two records, unknown ones' what_must_not_be
shows "a bureau cannot allow itself a card" who_signs
shows 'records that were set aside' set_aside
shows 'shards' shards
shows 'a further pass' passes
shows 'remake lists that are not made' wrong_lists
finish
