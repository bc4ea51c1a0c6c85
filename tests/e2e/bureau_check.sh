#!/bin/sh
# cardbureau check with the bureau's token: what cardprep sealed is accepted, and nothing else.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
cardbureau=$E2E_BUILD/bureau/cardbureau

# settings [SED]: the demo's bureau on this kind's module.
settings()
{
    sed "s|$demo_module|$module|" "$demo/bureau.yaml" >bureau.yaml
    if [ $# -gt 0 ]; then change bureau.yaml "$1"; fi
}

# The file of all cases: 20 cards.
sealed()
{
    if [ ! -e ../sealed/demo.mic ]; then
        job job
        cards 20
        expect 0 "$cardprep" run job.yaml
    else
        cp ../sealed/demo.mic demo.mic
    fi
}

what_was_sealed_is_accepted()
{
    sealed
    settings
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml
    tells '20 of 20 card records'
    tells 'secrets on their way to a card with SCP03'
    tells 'named exception 1): no token wraps the parts of a private key'
    tells 'A000000003101001: KDL, KDU'
    tells 'books: accepted; 20 records open'
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml --workers 2 --json
    tells '"known_already": true'
    tells '"checked": 20'
}

parts()
{
    sealed
    settings
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml --records 5-9
    tells '5 of 20 card records'
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml --keys-only
    tells 'not verified: MACs'
    tells 'nothing noted'
}

# What a card would get, in words, and no secret.
dry_run()
{
    sealed
    settings
    expect 0 "$cardbureau" script demo.mic --settings bureau.yaml --record 1 --dry-run
    cp out words
    for name in KDL KDU MK-AC card-key; do grep -q "$name" words || fail "no $name: $(cat words)"; done
    "$reader" --dump --unwrap demo.keys.json demo.mic |
        sed -nE 's|^record 1/.*unwrapped = ([0-9A-F]{32,})$|\1|p' >secrets
    [ -s secrets ] || fail 'there are no secrets'
    if grep -qiFf secrets words; then fail 'a secret is shown'; fi
    expect 0 "$cardbureau" script demo.mic --settings bureau.yaml --record 1 --dry-run --output script
    cmp words script
    expect 4 "$cardbureau" script demo.mic --settings bureau.yaml --record 99 --dry-run
}

# The key that signs return files goes to the issuer, and its words are read by telephone.
return_key()
{
    settings
    expect 0 "$cardbureau" return-key --settings bureau.yaml --output key.pem
    cp out words
    [ "$(wc -l <words)" -eq 5 ] || fail "$(cat words)"
    # It is the pair that the ceremony made, and openssl agrees.
    for file in key.pem return-signer.pem; do openssl pkey -pubin -in $file -outform DER >$file.der; done
    cmp key.pem.der return-signer.pem.der
    digits=$(openssl dgst -sha256 -r key.pem.der | cut -c 1-64 | tr a-f A-F | fold -w 4 | paste -s -d ' ')
    [ "$digits" = "$(tail -n 1 words)" ] || fail "openssl says $digits"
    expect 0 "$cardkeys" fingerprint return-signer.pem
    cmp out words
    heard=$(head -n 4 words)
    expect 0 "$cardkeys" fingerprint key.pem --heard "$heard"
    tells 'the key is the one whose fingerprint was read out'
    expect 0 "$cardkeys" fingerprint key.pem --heard "$(tail -n 1 words | cut -c 1-39)"
    expect 5 "$cardkeys" fingerprint demo-signer.pem --heard "$heard"
    says 'the fingerprint of demo-signer.pem is not what was read out'
    [ ! -s out ] || fail 'it shows something'
    expect 2 "$cardkeys" fingerprint key.pem --heard "$(echo "$heard" | tail -n 3)"
    says '--heard: '
    expect 6 "$cardbureau" return-key --settings bureau.yaml --output key.pem
    expect 2 "$cardkeys" fingerprint bureau.yaml
}

# flip FILE OFFSET
flip()
{
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

a_flipped_bit()
{
    sealed
    settings
    size=$(wc -c <demo.mic)
    for part in 1 2 3 4 5 6 7 8; do
        cp demo.mic flipped.mic
        flip flipped.mic $((size * part / 9))
        status=0
        "$cardbureau" check flipped.mic --settings bureau.yaml >out 2>err || status=$?
        [ $status -eq 4 ] || [ $status -eq 5 ] || fail "exit status $status"
        says 'flipped.mic'
    done
}

another_bureau()
{
    sealed
    settings 's/version: 1, label: KEK-1/version: 2, label: KEK-1/'
    expect 4 "$cardbureau" check demo.mic --settings bureau.yaml
    says 'KEK 476173FF0001 (D7, check value C67F916CD4) is not among'
    settings 's/C67F916CD4/C67F916CD5/'
    expect 3 "$cardbureau" check demo.mic --settings bureau.yaml
    says 'KEK'
}

a_later_pass()
{
    sealed
    settings
    job job-second-pass
    cards 20 points
    expect 0 "$cardprep" run job.yaml
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml
    expect 0 "$cardbureau" check demo-second-pass.mic --settings bureau.yaml
    expect 4 "$cardbureau" check demo.mic --settings bureau.yaml
    says 'this is an older pass'
}

shards()
{
    job job
    cards 20
    id=00112233445566778899aabbccddeeff
    for shard in 1 2; do expect 0 "$cardprep" run job.yaml --job-id $id --shard $shard/2 --output shard-$shard.mic; done
    settings
    expect 4 "$cardbureau" check shard-1.mic --settings bureau.yaml
    says 'an incomplete set: 1 of 2 shards'
    expect 0 "$cardbureau" check shard-1.mic --settings bureau.yaml --incomplete-set
    expect 0 "$cardbureau" check shard-2.mic --settings bureau.yaml
    expect 0 "$cardbureau" check shard-1.mic --settings bureau.yaml
}

# asks_once STATUS COMMAND…: at a terminal.
asks_once()
{
    due_status=$1
    shift
    expect "$due_status" command expect "$E2E_SOURCE/tests/e2e/answer.exp" 'PIN of [^\n]*: ' "$(cat pins/bureau.pin)" "$@"
    if grep -qF "$(cat pins/bureau.pin)" out err; then fail 'the screen shows the PIN'; fi
}

# Several processes log in, and it is typed once; also where the signers stand on the token, and one more asks it for them.
pin_once()
{
    sealed
    settings 's|file:pins/bureau.pin|fd:3|'
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml --workers 3 3<pins/bureau.pin
    tells '20 of 20 card records'
    echo wrong >wrong.pin
    expect 3 "$cardbureau" check demo.mic --settings bureau.yaml --workers 3 3<wrong.pin
    says CKR_PIN_INCORRECT
    expect 3 "$cardbureau" check demo.mic --settings bureau.yaml --workers 3 3</dev/null
    says 'PIN from file descriptor 3: nothing to read'
    expect 0 "$cardbureau" script demo.mic --settings bureau.yaml --record 1 --dry-run 3<pins/bureau.pin
    change bureau.yaml 's/"fd:3"/prompt/'
    command -v expect >/dev/null || return 0
    asks_once 0 "$cardbureau" check demo.mic --settings bureau.yaml --workers 3
    tells '20 of 20 card records'
    asks_once 0 "$cardbureau" script demo.mic --settings bureau.yaml --record 1 --dry-run
}

begin bureau_check softhsm
shows 'the file for all' sealed
shows 'what cardprep sealed is accepted' what_was_sealed_is_accepted
shows 'some records, keys only' parts
shows 'a dry run says what a card would get' dry_run
shows 'a PIN that is typed, or comes from a descriptor, is asked for once' pin_once
shows 'the return key, and its words' return_key
shows 'a flipped bit is refused' a_flipped_bit
shows 'a file for another bureau, another KEK' another_bureau
shows 'a later pass ends the one before' a_later_pass
shows 'shards' shards
finish
