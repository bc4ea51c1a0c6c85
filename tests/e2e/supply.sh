#!/bin/sh
# From blank cards to the customer's: cardbureau supply puts keys onto them and lists them, a job joins the list, each of its records goes
# onto the card that it names and onto no other, and what is on the cards is read back. Keys are proven by openssl.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd supply "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# ---- the supplier ----

# raw NUMBER…: cards as they come from the chip's maker, with keys that everybody knows.
raw()
{
    for number in "$@"; do
        "$softcard" --new --state "c$number" --serial "$(serial_of "$number")" --kvn FF
    done
}

# What the run has said of this card: feed takes it out then.
words_about()
{
    # 0 also while there is no such file: it comes with the program, which starts beside the feeding
    { cat err 2>/dev/null || :; } | grep -c "card $(serial_of "$1") " || :
}

# The demo's supplier; the serial number is where serial_of has it.
supplier()
{
    sed "s|$demo_module|$module|" "$demo/supplier.yaml" >supplier.yaml
    printf 'serial: {start: 7, length: 4}\nbooks: supplier.sqlite\n' >>supplier.yaml
}

# supply STATUS LIST OPTION…
supply()
{
    due_status=$1
    list=$2
    shift 2
    expect "$due_status" "$cardbureau" supply --settings supplier.yaml --batch "$list" "$@"
}

# Cards one after the other in one reader: supply_with STATUS LIST CARDS OPTION…
supply_with()
{
    fed_cards=$3
    supplied_status=$1
    supplied_list=$2
    shift 3
    rm -f run-is-over err
    told_by=words_about
    # shellcheck disable=SC2086 # one card a word
    feed 0 $fed_cards &
    feeder=$!
    supply "$supplied_status" "$supplied_list" --reader '* 00 00' "$@"
    touch run-is-over
    wait $feeder || fail 'cards were not fed'
    told_by=outcomes
}

# line_of NUMBER: what the list must say of this card.
line_of()
{
    printf '%08d,%s,2,2' "$1" "$(serial_of "$1")"
    for which in 1 2 3; do
        printf ,
        hex_bytes 01010101010101010101010101010101 |
            openssl enc -aes-128-ecb -nopad -K "$(card_key $which "$(serial_of "$1")" 2)" | basenc --base16 | cut -c 1-6 | tr -d '\n'
    done
    echo
}

# listed LIST NUMBER…: the list has these cards in this order, each as it must be.
listed()
{
    list=$1
    shift
    echo card,keydata,kmc_version,key_version,kcv_enc,kcv_mac,kcv_dek >wanted
    for number in "$@"; do line_of "$number" >>wanted; done
    diff "$list" wanted || fail "the list $list"
}

# ---- the job ----

# joined N: the demo's cards on those of batch.csv, checked by the bureau. Record i is for the card in the list's line i.
joined()
{
    cards "$1" supply
    job job-supply
    delivered
}

# In two readers at once: in_two_readers WORDS0 WORDS1 COMMAND…
in_two_readers()
{
    # shellcheck disable=SC2086 # one card a word
    feed 0 $1 &
    first=$!
    # shellcheck disable=SC2086
    feed 1 $2 &
    second=$!
    shift 2
    "$@"
    wait $first $second || fail 'cards were not fed'
}

# site FOLDER: the demo's plan in an empty folder with tokens of its own.
site()
{
    mkdir -m 700 "$1" "$1/tokens"
    sed "s|$demo_module|$module|" "$demo/plan.yaml" >"$1/plan.yaml"
    sed "s|^directories.tokendir.*|directories.tokendir = $PWD/$1/tokens|" "$tokens/softhsm2.conf" >"$1/softhsm2.conf"
    ln -s "$tokens/pins" "$1/pins"
}

# keys_at FOLDER SITE TEXT: the site's part of the ceremony, which says TEXT.
keys_at()
{
    use_tokens "$PWD/$1"
    expect 0 "$cardkeys" run --yes "$1/plan.yaml" --site "$2"
    cat err >>out
    tells "$3"
}

# ---- cases ----

# The supplier's token and the issuer's never meet: the KMC goes from one to the other by files, and the supplier's cards have its keys.
keys_by_files()
{
    site at-supplier
    site at-issuer
    keys_at at-supplier supplier 'waiting: for at-supplier/kmc-2.handover'
    cp at-supplier/supplier-exchange.pem at-issuer
    keys_at at-issuer issuer '22 made'
    cp at-issuer/demo-signer.pem at-issuer/*.handover at-supplier
    keys_at at-supplier supplier '0 waiting for others'
    expect 0 "$cardkeys" kcv at-supplier/plan.yaml KMC --site supplier
    tells B4D2558CC2
    raw 1
    supplier
    supply_with 0 batch.csv 1 --count 1
    listed batch.csv 1
}

# Four cards in two readers. Their list is in the order in which the run has told of them. Personalized in another order: the first two
# have each other's record in hand.
from_blank_to_made()
{
    raw 1 2 3 4
    supplier
    rm -f err
    told_by=words_about
    in_two_readers '1 3' '2 4' supply 0 batch.csv --count 4
    told_by=outcomes
    # shellcheck disable=SC2046 # one number a word
    listed batch.csv $(sed -n 's/.* card 0000400001\([0-9]*\) has its keys.*/\1/p' err | sed 's/^0*//')
    [ "$(wc -l <batch.csv)" -eq 5 ] || fail "not four cards: $(cat batch.csv)"
    joined 4
    in_two_readers "$(card_in_line 2) $(card_in_line 3)" "$(card_in_line 1) $(card_in_line 4)" bureau 0 personalize
    tells '4 cards made; 0 half-done, 0 spoiled, 0 left as they were'
    for record in 1 2 3 4; do
        state_is $record made "$(card_in_line $record)"
        read_back $record
    done
}

card_in_line()
{
    sed -n "$(($1 + 1))s/^\([0-9]*\),.*/\1/p" batch.csv | sed 's/^0*//'
}

# A card that is not in the list, though its keys are the supplier's: nothing on it changes, nor in the journal, and its place in the file is
# the other's still. On paper the same.
another_card()
{
    raw 1 2
    blank 9 2
    cp c9 c9.before
    supplier
    supply_with 0 batch.csv '1 2' --count 2
    listed batch.csv 1 2
    # The issuer does not take a card that the list does not have, nor one card for two records.
    cards 2 supply
    cp cards-supply.csv cards.good
    job job-supply 's/demo-supply.mic/demo.mic/'
    change cards-supply.csv '3s/^00000002/00000009/'
    refused 4 'supplier batch' demo.mic
    sed '3s/^00000002/00000001/' cards.good >cards-supply.csv
    refused 4 'batch.csv' demo.mic
    joined 2
    rm -f run-is-over
    "$softcard" --reader 0 --state c9 2>>slot0.log &
    card=$!
    bureau 4 personalize --reader '* 00 00' --failures 1
    says "the record is for card $(serial_of 1), and this is $(serial_of 9)"
    kill $card
    wait $card || :
    await_empty 0
    cmp c9 c9.before || fail 'the card has changed'
    if grep -q '"event":"card-known"' demo-books.sqlite.*.journal; then fail 'the card was taken for the record'; fi
    printf '9000\n%s0000000000000000000000000000000000000000009000\n' "$(serial_of 9)" >answers.txt
    bureau 4 script --record 1 --answers answers.txt
    says "the record is for card $(serial_of 1), and this is $(serial_of 9)"
    # The second card comes first, and gets its own record.
    bureau_with 0 personalize '2 1'
    result_is '2 cards made; 0 half-done, 0 spoiled, 0 left as they were'
    state_is 1 made 1
    state_is 2 made 2
    read_back 2
}

# Killed with a card in the reader that has its keys and has not proven them. The cards of the first list stay out of the second run, all
# others go into it; both lists together have each card once.
killed()
{
    raw 1 2 3
    cp c2 c2.before
    supplier
    rm -f run-is-over err
    told_by=words_about
    feed 0 1 2:mute@5 &
    feeder=$!
    "$cardbureau" supply --settings supplier.yaml --batch first.csv --reader '* 00 00' >killed.out 2>err &
    victim=$!
    until_true has_changed c2
    kill -9 $victim
    wait $victim || :
    touch run-is-over
    wait $feeder || fail 'cards were not fed'
    listed first.csv 1
    supply 6 first.csv
    says 'exists: a batch list is made anew for each run'
    # Card 2 is not taken for a blank one, nor for one of this run, unless told so.
    supply_with 4 refused.csv '2 3' --count 1
    says 'the card has its own keys already'
    listed refused.csv 3
    supply_with 0 second.csv '2' --count 1 --again
    listed second.csv 2
    # Nor does a card of an earlier list come into a later one.
    supply_with 4 third.csv '1 2 3' --again
    says 'card 00000001 stands in the list first.csv since'
    says 'card 00000002 stands in the list second.csv since'
    listed third.csv
    { cat first.csv && sed 1d refused.csv && sed 1d second.csv; } >batch.csv
    listed batch.csv 1 3 2
    # A line that a cut of power left is no card.
    cp batch.csv whole.csv
    head -c -20 whole.csv >batch.csv
    cards 3 supply
    job job-supply
    refused 4 'batch.csv:4' demo-supply.mic
    cp whole.csv batch.csv
    joined 3
    bureau_with 0 personalize '1 2 3'
    result_is '3 cards made'
    state_is 3 made 2
    read_back 3
}

has_changed()
{
    ! cmp -s "$1" "$1.before"
}

# Pulled out before PUT KEY was carried out: blank still, and supplied as such. After it, and before the new keys were proven: on the
# card, and listed once they are.
pulled_out()
{
    raw 1 2 3 4
    supplier
    supply_with 4 first.csv '1:pull@4 1 2:pull-after@4 2 4' --count 2
    says "card $(serial_of 1) is half-done and not listed"
    says "card $(serial_of 2) is half-done and not listed"
    says 'the card has its own keys already'
    listed first.csv 1 4
    supply_with 4 second.csv '3:pull@7 2 3' --count 2 --again
    says "card $(serial_of 3) is half-done and not listed"
    listed second.csv 2 3
    sed 1d second.csv | cat first.csv - >batch.csv
    joined 4
    bureau_with 0 personalize '1 2 3 4'
    result_is '4 cards made'
    read_back 3
}

begin supply softhsm
shows 'the KMC comes to the supplier by files' keys_by_files
shows 'two readers: keys by the derivation, a list, a job that joins it, cards read back' from_blank_to_made
shows 'a card that is not in the list' another_card
shows 'cardbureau supply killed: no card lost, none twice' killed
shows 'cards pulled out around PUT KEY' pulled_out
finish
