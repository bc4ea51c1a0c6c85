#!/bin/sh
# What else belongs to a day at the bureau, on real readers: other machines in step with the chip, commands on paper for a card elsewhere,
# cards made again by authority of the issuer, cards with other keys, parts of a file, shards.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd bureau_work "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# ---- modules ----

# The groups of three machines, two of which read files. The embosser keeps what it gets, and has no plastic for record 2.
with_modules()
{
    mkdir -p stripes photos embossed
    cat >emboss <<END
#!/bin/sh
cat >"$PWD/embossed/\$CARDBUREAU_RECORD-\$CARDBUREAU_MODULE"
[ "\$*" = '--tray 2' ] || exit 9
[ "\$CARDBUREAU_RECORD" != 2 ] || { echo 'no plastic in tray 2' >&2; exit 3; }
END
    chmod 700 emboss
    cat >>bureau.yaml <<END
modules:
  - {mic: EMBOSS, command: [$PWD/emboss, --tray, "2"]}
  - {mic: MAGSTRP, folder: stripes}
  - {mic: PHOTO, folder: photos}
END
}

# group_is RECORD MIC FILE: byte for byte.
group_is()
{
    [ -s "$3" ] || fail "$3 is not there"
    [ "$(basenc --base16 -w 0 <"$3")" = "$(sed -n "s|^record $1/$2/data = ||p" dump)" ] || fail "$3: $(cat "$3")"
}

# events: of the journal, a word and a number each, modules with their outcome.
events()
{
    sed -n 's/.*"event":"\([a-z-]*\)","record":\([0-9]*\),"module":"\([A-Z]*\)","outcome":"\([a-z]*\)".*/\2 \3 \4/p
        t
        s/.*"event":"card-\([a-z-]*\)","record":\([0-9]*\),.*/\2 \1/p' demo-books.sqlite.*.journal
}

modules()
{
    ordered 3
    with_modules
    for number in 1 2 3; do blank $number 2; done
    bureau_with 4 personalize '1 2 3'
    result_is '3 cards made; 0 half-done, 0 spoiled, 0 left as they were; 1 modules failed'
    says 'record 2: made: module EMBOSS'
    says 'ended with status 3: no plastic in tray 2'
    for record in 1 2 3; do
        group_is $record EMBOSS embossed/$record-EMBOSS
        group_is $record MAGSTRP stripes/000000000$record-MAGSTRP
        group_is $record PHOTO photos/000000000$record-PHOTO
        for event in begun known outcome; do echo "$record $event"; done
        for machine in EMBOSS MAGSTRP PHOTO; do
            [ $record$machine = 2EMBOSS ] && echo '2 EMBOSS failed' || echo "$record $machine done"
        done
    done >due
    events | cmp -s - due || fail "the journal has $(events)"
    state_is 2 made 2
}

# ---- a card elsewhere ----

# A station without a token: it sends what it has, up to the next answer that the bureau must know, and asks for more. The card repeats its
# challenge until a channel was opened, so each sitting may begin with the last SELECT and INITIALIZE UPDATE again.
sent_from_paper()
{
    : >given
    rounds=0
    status=4
    while [ $status -eq 4 ]; do
        rounds=$((rounds + 1))
        [ $rounds -lt 10 ] || fail 'it never ends'
        status=0
        "$cardbureau" script demo.mic --settings bureau.yaml --record "$1" --challenge 0102030405060708 --answers given \
            >paper 2>err || status=$?
        grep -v '^#' paper >commands || fail "no commands: $(cat err)"
        known=$(wc -l <given)
        again=$((known < 2 ? 0 : 2))
        # shellcheck disable=SC2046 # one command a word
        talk "$2" $(tail -n "+$((known - again + 1))" commands)
        tail -n "+$((again + 1))" answers >>given
        if grep -v '9000$' given; then fail 'the card does not take them'; fi
    done
    [ $status -eq 0 ] || fail "script ended with $status: $(cat err)"
    [ "$(wc -l <given)" -eq "$(wc -l <commands)" ] || fail 'there is more to say'
}

script()
{
    ordered 2
    for number in 1 2; do blank $number 2 --scp 03 --i 70; done
    insert c1 0
    sent_from_paper 1 0
    remove 0
    [ $rounds -eq 6 ] || fail "$rounds sittings for five channels"
    read_back 1 c1
    # Nothing of it is in the books, and the same challenge makes the same script.
    bureau 0 status --json
    tr -d ' \n' <out | grep -qF '"free":2,"unknown":0,"half-done":0,"made":0' || fail "the books: $(cat out)"
    bureau 0 script --record 1 --challenge 0102030405060708 --answers given --output again
    cmp again paper
    bureau 6 script --record 1 --challenge 0102030405060708 --answers given --output again
    # One that a station has made with the same record is like it.
    bureau_with 0 personalize 2 --records 1
    read_back 1
    # Somebody else's answer.
    sed '2s/0370......../037000000000/' given >other
    bureau 5 script --record 1 --challenge 0102030405060708 --answers other
    says 'cryptogram does not verify'
}

dry_run()
{
    ordered 2
    bureau 0 script --record 2 --dry-run
    for word in $purse $payment KDL KDU card-key MK-AC 'DGI 8000' 'DGI 0101' 'named exception 1'; do tells "$word"; done
    sed -n 's/.*C7 unwrapped = //p' dump | while read -r secret; do
        if grep -qiF "$secret" out; then fail 'a secret is in it'; fi
    done
    bureau 4 script --record 3 --dry-run
    says 'no record 3 is in this file'
    bureau 2 script --dry-run
}

# ---- made again ----

# remake_list NUMBER RECORDS
remake_list()
{
    expect 0 "$cardprep" remake job.yaml --mic demo.mic --records "$2" --reason power-loss --serial "$1" --output "$1.remake"
}

taken()
{
    expect "$1" "$cardbureau" remake "$2.remake" --settings bureau.yaml
}

# refuses COMMAND: no record of the file is for it.
refuses()
{
    bureau 4 "$1" --reader '* 00 00'
    says 'personalized before'
}

remade()
{
    ordered 2
    with_modules
    for number in 1 2 3 4; do blank $number 2; done
    sed -i '/no plastic/d' emboss
    bureau_with 4 personalize '1:sw:6581@10 2'
    result_is '1 cards made; 0 half-done, 1 spoiled'
    state_is 1 spoiled 1
    # No list, no card: neither by another run nor by a redo.
    refuses personalize
    refuses redo
    # A list of somebody else, one that was changed, one for a card that is not spoiled, one that names another card.
    remake_list 1 2
    taken 4 1
    says 'record 2 is made on card'
    remake_list 2 "1=$(serial_of 3)"
    taken 4 2
    remake_list 3 "1=$(serial_of 1)"
    sed 's/^1 /2 /' 3.remake >changed.remake
    taken 5 changed
    change bureau.yaml 's/^signers: .*/signers: [return-signer.pem]/'
    taken 5 3
    change bureau.yaml 's/^signers: .*/signers: [demo-signer.pem]/'
    refuses redo
    taken 0 3
    tells 'may be put on new cards'
    # On a new card, by a redo alone; the spoiled one does not take it.
    bureau 0 personalize --reader '* 00 00'
    tells '0 cards made'
    bureau_with 0 redo '1 3'
    result_is '1 cards made; 0 half-done, 0 spoiled, 1 left as they were; 0 modules failed'
    read_back 1 c3
    group_is 1 EMBOSS embossed/1-EMBOSS
    # Once: neither does the list count again, nor an older one.
    refuses redo
    taken 0 3
    tells '1 were noted before'
    refuses redo
    taken 4 1
    # A card that is made and lost, named by the list: another one, and its groups once more.
    remake_list 4 "2=$(serial_of 2)"
    taken 0 4
    bureau_with 0 redo '2 4'
    result_is '1 cards made; 0 half-done, 0 spoiled, 1 left as they were; 0 modules failed'
    read_back 2 c4
    [ "$(events | grep -c '2 [A-Z]* done')" -eq 6 ] || fail "$(events)"
    bureau 0 return --output demo.return
    grep -q "^1 demo-000001 spoiled $(serial_of 1) " demo.return
    grep -q "^1 demo-000001 remade $(serial_of 3) .* remake-3\$" demo.return || fail "$(cat demo.return)"
    expect 0 "$cardprep" reconcile --signer demo-signer.pem --bureau-signer return-signer.pem demo.mic demo.return 3.remake \
        4.remake
    tells '2 remade'
    tells 'every record is accounted for'
    expect 4 "$cardprep" reconcile --signer demo-signer.pem --bureau-signer return-signer.pem demo.mic demo.return
    tells 'no-authority'
}

# ---- cards with other keys ----

# tries_are CARD COUNT: the card's own count of wrong tries at its first key set, in its state file (docs/formats/softcard.md).
tries_are()
{
    od -An -v -tx1 "$1" | tr -d ' \n' | grep -q "e13d0002$2" || fail "the card has counted other tries than $2"
}

# asked COUNT: so often was a card asked for its cryptogram, and never given ours.
asked()
{
    [ "$(wire | grep -c '^80500000')" -eq "$1" ] || fail "not asked $1 times: $(wire)"
    if wire | grep -q '^8482'; then fail 'it got a cryptogram'; fi
}

retries()
{
    ordered 1
    # It tells version 2 and has the keys of version 1.
    keys_of 1 1 | "$softcard" --new --state c1 --serial "$(serial_of 1)" --kvn 02 --keys -
    wire_begins
    bureau_with 5 personalize '1' --failures 1
    says 'the card'
    asked 1
    # Put in again, it is not asked at all but who it is; with --retries once more, and then not.
    wire_begins
    bureau_with 4 personalize '1' --failures 1
    says 'has refused its key 1 time; it is not tried again without --retries'
    asked 1
    wire_begins
    bureau_with 5 personalize '1' --failures 1 --retries 1
    asked 2
    wire_begins
    bureau_with 4 personalize '1' --failures 1 --retries 1
    says 'has refused its key 2 times'
    asked 1
    tries_are c1 00
    # The settings are put right, and the card still opens.
    change bureau.yaml 's/key_version: 1/key_version: 3/; s/key_version: 2/key_version: 1/; s/key_version: 3/key_version: 2/'
    bureau_with 0 personalize '1' --retries 2
    state_is 1 made 1
    tries_are c1 00
}

# ---- parts ----

ranges()
{
    ordered 4
    for number in 1 2 3 4; do blank $number 2; done
    bureau_with 0 personalize 1 --records 3
    bureau_with 0 personalize 2 --records 2-3
    bureau_with 0 personalize 3 --count 1
    # These are made: nothing is left to do, and no card is waited for.
    bureau 0 personalize --reader '* 00 00' --records 2-3
    tells '0 cards made'
    bureau 2 personalize --reader '* 00 00' --records 3-2
    bureau 2 personalize --reader '* 00 00' --records 0
    bureau 4 personalize --reader '* 00 00' --records 9
    says 'none of the records 9 is in this file'
    bureau_with 0 personalize 4 --count 5
    for pair in '3 1' '2 2' '1 3' '4 4'; do
        # shellcheck disable=SC2086 # two words
        set -- $pair
        state_is "$1" made "$2"
    done
    # One question for all of them.
    bureau 0 status --json --records 2-3
    tr -d ' \n' <out | grep -qF '"made":2' || fail "status: $(cat out)"
}

shards()
{
    cards 3
    job job
    for shard in 1 2; do
        expect 0 "$cardprep" run job.yaml --job-id 00112233445566778899aabbccddeeff --shard $shard/2 --output $shard.mic
    done
    settings
    for number in 1 2 3; do blank $number 2; done
    mic=1.mic
    bureau 4 check
    says 'an incomplete set: 1 of 2 shards'
    bureau 4 personalize --reader '* 00 00'
    says 'an incomplete set'
    [ -z "$(ls demo-books.sqlite.*.journal 2>/dev/null)" ] || [ "$(outcomes 1)" -eq 0 ]
    bureau_with 0 personalize 1 --incomplete-set
    state_is 1 made 1
    mic=2.mic
    bureau 4 personalize --reader '* 00 00' --incomplete-set
    says 'was not checked as a whole yet'
    bureau 0 check
    bureau_with 0 personalize '2 3'
    state_is 2 made 2
    state_is 3 made 3
    mic=1.mic
    bureau 4 personalize --reader '* 00 00'
    bureau 0 return --output 1.return
    mic=2.mic
    bureau 0 return --output 2.return
    expect 0 "$cardprep" reconcile --signer demo-signer.pem --bureau-signer return-signer.pem 1.mic 2.mic 1.return 2.return
    tells '3 made'
}

begin bureau_work softhsm
shows 'embossing, stripe and photograph in step with the chip; a machine that fails' modules
shows 'commands on paper personalize a card like a station does' script
shows 'what a card would get, in words' dry_run
shows 'a spoiled card is made again by authority of the issuer, once' remade
shows 'a card with other keys keeps its tries' retries
shows 'parts of a file' ranges
shows 'shards, and an incomplete set' shards
finish
