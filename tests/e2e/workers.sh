#!/bin/sh
# What two runs of one job may differ in, and that worker count, retirement and shards are not among it.
# docs/formats/mic-file.md, masked by --mask: JOB D2 with all that repeats it, and D6; MAC keys, hence MACKEY, MAC, CF; RSA
# keys and all that follows from them (C7, certificates, check value of kind 06); DD and CB. --unwrap compares secrets in clear.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

id=00112233445566778899AABBCCDDEEFF

# prepare NAME OPTION…: job.yaml as NAME.mic
prepare()
{
    name=$1
    shift
    expect 0 "$cardprep" run job.yaml --output "$name.mic" "$@"
    accepted "$name.mic"
}

worker_count_changes_nothing()
{
    job job
    cards 9
    prepare one --workers 1 --job-id $id
    prepare two --workers 2 --job-id $id
    prepare five --workers 5 --job-id $id
    same_cards one.mic two.mic
    same_cards one.mic five.mic
}

# The same for AES masters, for MIC input, for keys under the card's own keys, and for a further pass.
worker_count_changes_no_other_job()
{
    cards 9 fixed
    job job-fixed
    prepare fixed1 --workers 1 --job-id $id
    prepare fixed2 --workers 2 --job-id $id
    same_cards fixed1.mic fixed2.mic
    cards 9 mic
    job job-mic
    prepare mic1 --workers 1 --job-id $id
    prepare mic2 --workers 2 --job-id $id
    same_cards mic1.mic mic2.mic
    cards 9 join
    job job-joins
    prepare joins1 --workers 1 --job-id $id
    prepare joins2 --workers 2 --job-id $id
    same_cards joins1.mic joins2.mic
}

worker_count_changes_no_further_pass()
{
    job job
    cards 6
    expect 0 "$cardprep" run job.yaml
    cards 6 points
    job job-second-pass
    prepare second1 --workers 1 --job-id $id
    prepare second2 --workers 2 --job-id $id
    same_cards second1.mic second2.mic
}

retirement_changes_nothing()
{
    job job
    cards 5
    prepare lasting --workers 1 --job-id $id
    change job.yaml 's/^output/retire_after: 1\noutput/'
    prepare retiring --workers 2 --job-id $id --json
    grep -q '"workers_replaced": 0' out || fail "a worker was replaced: $(cat out)"
    [ "$(sed -n 's/.*"workers_started": \([0-9]*\).*/\1/p' out)" -ge 5 ] || fail "no worker retired: $(cat out)"
    same_cards lasting.mic retiring.mic
}

# records FILE…: the card records of all these files, in their order.
records()
{
    for file in "$@"; do
        "$reader" --dump --unwrap --mask demo.keys.json "$file" | sed -n '/^record /p'
    done
}

shards_make_the_same_records()
{
    job job
    cards 7
    prepare whole --workers 2 --job-id $id
    for shard in 1 2 3; do
        prepare shard$shard --workers 1 --job-id $id --shard $shard/3
    done
    records whole.mic >whole.records
    records shard1.mic shard2.mic shard3.mic >shards.records
    diff whole.records shards.records || fail 'the shards are not the whole job'
    "$reader" --dump demo.keys.json shard2.mic | grep -q '^JOB/CE = 00020003' || fail 'shard 2 does not say so'
}

# Each shard looks through the whole input, so it finds what repeats in another one.
repeats_are_found_over_all_shards()
{
    job job 's/^output:.*/output: {file: shard.mic}/'
    cards 6
    change cards.csv '7s/^demo-000006/demo-000001/'
    for shard in 1 2 3; do
        expect 4 "$cardprep" run job.yaml --job-id $id --shard $shard/3
        one_message
        says 'cards.csv:7: record 6'
        nothing_there shard.mic
    done
}

more_shards_than_cards()
{
    job job
    cards 1
    prepare first --job-id $id --shard 1/2
    prepare second --job-id $id --shard 2/2
    records first.mic second.mic | grep -c '/CARD/DA' >count
    [ "$(cat count)" -eq 1 ] || fail "$(cat count) records in two shards of one card"
}

# The counter is reserved once per job: the same job id gets the same numbers, another one never those.
counter_never_repeats()
{
    job job
    cards 3
    prepare a --workers 1 --job-id $id
    prepare b --workers 1
    prepare c --workers 1 --job-id $id
    for run in a b c; do
        "$reader" --dump demo.keys.json $run.mic | sed -n 's/^record.*A000000003101001.C2 = //p' >$run.numbers
        [ "$(wc -l <$run.numbers)" -eq 3 ] || fail "$run: $(cat $run.numbers)"
    done
    cmp a.numbers c.numbers || fail 'one job id, two numbers'
    sort a.numbers b.numbers | uniq -d >repeated
    [ ! -s repeated ] || fail "numbers of two jobs: $(cat repeated)"
}

no_cards_make_a_legal_file()
{
    job job-mic
    : >cards-in.mic
    expect 4 "$cardprep" run job.yaml
    job job
    cards 1
    change cards.csv 2d
    prepare empty
    grep -q 'accepted: 0 records' reader.out || fail "$(cat reader.out)"
}

begin workers softhsm
shows 'one, two and five workers give the same cards' worker_count_changes_nothing
shows 'one and two workers give the same cards of each other input and embodiment' worker_count_changes_no_other_job
shows 'one and two workers give the same further pass' worker_count_changes_no_further_pass
shows 'workers that retire after each card give the same cards' retirement_changes_nothing
shows 'three shards give the cards of the whole job' shards_make_the_same_records
shows 'what repeats over several shards is found in each' repeats_are_found_over_all_shards
shows 'a shard without cards is legal' more_shards_than_cards
shows 'the card number counter never repeats' counter_never_repeats
shows 'a table with a header alone makes a legal file' no_cards_make_a_legal_file
finish
