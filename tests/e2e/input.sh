#!/bin/sh
# Bad input, by name: exit status 4, one message that names file, line or record, and field; no output.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

id=00112233445566778899AABBCCDDEEFF

# Cards without key pairs from CSV: cards.csv to out.mic.
debit()
{
    job job-fixed "s/^input:.*/input: {format: csv, file: cards.csv}/; /^  format: fixed/d; /^  file: cards.txt/d; /^  fixed:/d
        /^    - {name/d; s/^on_bad_record.*/on_bad_record: stop/; s/^output:.*/output: {file: out.mic}/"
    cards "${1:-3}"
}

# The same for the purse, whose amounts and dates come from the input.
purse()
{
    job job '/profile: emv-credit/d; /profile: loyalty/d; s/^output:.*/output: {file: out.mic}/'
    cards 2
}

# bad COLUMN-SED TEXT…: card 2 changed so is refused, with each text in the message.
bad()
{
    change cards.csv "3$1"
    shift
    refused 4 'cards.csv:3' out.mic
    says 'record 2'
    for text in "$@"; do says "$text"; done
}

empty_file()
{
    debit
    : >cards.csv
    refused 4 'cards.csv:1: the file is empty' out.mic
}

input_is_not_there()
{
    debit
    rm cards.csv
    expect 6 "$cardprep" run job.yaml
    one_message
    says 'cards.csv'
    nothing_there out.mic
}

# What a text file may look like, without a change to the cards.
forms_of_text_files()
{
    debit
    expect 0 "$cardprep" run job.yaml --job-id $id --output plain.mic
    cp cards.csv plain.csv
    head -c -1 plain.csv >cards.csv
    expect 0 "$cardprep" run job.yaml --job-id $id --output no-newline.mic
    sed 's/$/\r/' plain.csv >cards.csv
    expect 0 "$cardprep" run job.yaml --job-id $id --output crlf.mic
    { hex_bytes EFBBBF && cat plain.csv; } >cards.csv
    expect 0 "$cardprep" run job.yaml --job-id $id --output bom.mic
    for form in no-newline crlf bom; do
        accepted $form.mic
        same_cards plain.mic $form.mic
    done
}

fixed_columns_of_any_line_end()
{
    job job-fixed 's/^on_bad_record.*//; s/, set_aside: [^}]*//'
    cards 2 fixed
    expect 0 "$cardprep" run job.yaml --job-id $id --output plain.mic
    change cards.txt 's/$/\r/'
    expect 0 "$cardprep" run job.yaml --job-id $id --output crlf.mic
    same_cards plain.mic crlf.mic
    change cards.txt '2s/.\r$/\r/'
    refused 4 'cards.txt:2' demo-fixed.mic
}

name_outside_the_character_set()
{
    debit
    bad 's/CHRIS/CHR\xc3\x8fS/' "field 'name'" 'emv-debit-aes'
}

name_within_the_character_set_is_kept()
{
    job job '/profile: emv-credit/d; /profile: purse/d; s/^counter.*//; s/^issuer_keys.*//; s/^  - {name: demo-issuer-key.*//
        /^keys:/d; /^  - {name: K/d; /^  - {name: M/d; s/^output:.*/output: {file: out.mic}/'
    cards 1
    change cards.csv 's/,gold,/,\xc3\xa9toile,/'
    expect 0 "$cardprep" run job.yaml
    accepted out.mic
    "$reader" --dump demo.keys.json out.mic | grep -q 'DF23 = C3A9746F696C65$' || fail 'the tier is not what it was'
}

wrong_column_count()
{
    debit
    change cards.csv '3s/,[^,]*$//'
    refused 4 'cards.csv:3' out.mic
    says '14'
    says '15'
}

repeated_card_number()
{
    debit
    change cards.csv '4s/^\(demo-000003\),[0-9]*,[0-9]*,/\1,4761731000079328,01,/'
    refused 4 'cards.csv:4' out.mic
    says 'record 3'
    says 'record 1'
    if grep -q 4761731000079328 err; then fail 'a whole card number in the message'; fi
}

repeated_object_identifier()
{
    debit
    change cards.csv '4s/^demo-000003/demo-000001/'
    refused 4 'cards.csv:4' out.mic
    says 'record 1'
}

wrong_check_digit()
{
    debit
    number=$(sed -n 3p cards.csv | cut -d, -f2)
    last=${number#"${number%?}"}
    other=${number%?}$(((last + 1) % 10))
    bad "s/$number/$other/" "field 'pan'" 'check digit'
    if grep -q "$other" err; then fail 'a whole card number in the message'; fi
}

date_that_is_none()
{
    debit
    bad 's/,20[0-9-]*,/,2030-02-31,/' "field 'expiry'" '31'
}

amounts_out_of_range()
{
    purse
    cp cards.csv good.csv
    for amount in 1000.01 -1 1.005 99999999999 ten; do
        cp good.csv cards.csv
        bad "s/^\\(\\([^,]*,\\)\\{9\\}\\)[^,]*/\\1$amount/" "field 'balance'" 'balance of the IEP'
    done
}

field_too_long()
{
    debit
    bad 's/,SAMPLE\/CHRIS,/,SAMPLE\/CHRIS OF THIRTY LETTERS,/' "field 'name'" '26'
}

quote_that_never_ends()
{
    debit
    change cards.csv '3s/,SAMPLE/,"SAMPLE/'
    refused 4 'cards.csv:3' out.mic
}

# Ten gigabytes without a line end; the file has holes and takes no room.
giant_line()
{
    debit
    truncate -s 10G cards.csv
    refused 4 'cards.csv' out.mic
    # One that no byte of its text gives away: over the limit of a row.
    head -n 1 cards.csv >header 2>/dev/null || :
    cards 1
    { head -n 1 cards.csv && head -c 3000000 /dev/zero | tr '\0' x; } >longer.csv
    mv longer.csv cards.csv
    refused 4 'cards.csv:2' out.mic
    says 'longer than'
    job job-mic 's/framing: rlen/framing: newline/'
    truncate -s 10G cards-in.mic
    refused 4 'cards-in.mic' demo-mic.mic
    rm cards-in.mic # whoever copies the folder would fill the holes
}

mic_file_cut_anywhere()
{
    job job-mic
    cards 1 mic
    mv cards-in.mic whole.mic
    size=$(wc -c <whole.mic)
    left=0
    while [ $left -lt "$size" ]; do
        head -c $left whole.mic >cards-in.mic
        refused 4 'cards-in.mic' demo-mic.mic
        left=$((left + ${E2E_LONG:+1}${E2E_LONG:-11}))
    done
}

record_over_its_limit()
{
    job job-mic
    { printf '9999999DATA   9999985' && head -c 2000000 /dev/zero | tr '\0' x; } >cards-in.mic
    refused 4 'cards-in.mic' demo-mic.mic
}

joined_rows()
{
    job job-joins
    cards 3 join
    cp batch.txt batch.good
    change batch.txt 2d
    refused 4 'supplier batch' demo-joins.mic
    says 'cards-core.csv:3'
    says 'demo-000002'
    sed p batch.good >batch.txt
    refused 4 'batch.txt' demo-joins.mic
    { cat batch.good && sed -n '1s/demo-000001/demo-000009/p' batch.good; } >batch.txt
    refused 4 'batch.txt:4' demo-joins.mic
}

# A MIC file as a second source: its groups' fields, missing, repeated and unused records by their offset.
rows_joined_from_mic()
{
    job job-fixed "s/^on_bad_record.*//; s/, set_aside: [^}]*//; s/^groups:/groups:\\n  - {mic: PHOTO, text: \"{portrait}\"}/
        s/^object_id/join:\\n  - {name: graphics, format: mic, file: cards-in.mic, unused: error, key: {column: number, field: pan},\\n     mic_fields: [{field: number, mic: DATA, start: 1, length: 19}, {field: portrait, mic: GRAPH, start: 1, length: 15}]}\\n&/"
    cards 3 fixed
    cards 3 mic
    cp cards-in.mic good.mic
    first=$((7 + $(head -c 7 good.mic | sed 's/^0*//')))
    expect 0 "$cardprep" run job.yaml --output joined.mic
    accepted joined.mic 'accepted: 3 records'
    "$reader" --dump demo.keys.json joined.mic | grep -q "^record 3/PHOTO/data = $(printf portrait-000003 | od -An -tx1 | tr -d ' \n' | tr a-f A-F)$" ||
        fail 'the third card has not its portrait'
    tail -c +$((first + 1)) good.mic >cards-in.mic
    refused 4 "cards.txt:1: join 'graphics'" demo-fixed.mic
    says '476173******9328'
    { cat good.mic && head -c $first good.mic; } >cards-in.mic
    refused 4 "stands twice, in cards-in.mic: offset 0 and $(wc -c <good.mic)" demo-fixed.mic
    cp good.mic cards-in.mic
    change cards.txt 3d
    refused 4 'cards-in.mic: offset' demo-fixed.mic
}

# ---- set aside ----

# Of six cards the second, fourth and fifth are refused, each for another reason.
bad_cards_are_set_aside()
{
    debit 6
    change job.yaml 's/^on_bad_record.*/on_bad_record: set-aside/; s/^output.*/output: {file: out.mic, set_aside: refused.csv}/'
    change cards.csv '3s/,20[0-9-]*,/,2030-02-31,/; 5s/,[^,]*$//; 6s/^demo-000005/demo-000001/'
    expect 0 "$cardprep" check job.yaml || :
    expect 4 "$cardprep" run job.yaml
    accepted out.mic 'accepted: 3 records, 3 entries'
    tells 'set aside: 3'
    "$reader" --dump demo.keys.json out.mic | grep '^END/CC' >list
    grep -q '0\{15\}2.*0\{15\}4.*0\{15\}5' list || fail "END lists $(cat list)"
    for text in 'cards.csv:3' 'cards.csv:5' 'cards.csv:6' '2030-02-31' demo-000004; do
        grep -qF "$text" refused.csv || fail "'$text' is not in what was set aside: $(cat refused.csv)"
    done
    # Mended, what was set aside is an input again.
    grep -v '^# ' refused.csv | sed 's/2030-02-31/2030-01-31/; s/^demo-000001/demo-000005/' |
        awk -F, 'NF == 14 { $0 = $0 ",portrait" } { print }' >cards.csv
    mv refused.csv seen.csv
    expect 0 "$cardprep" run job.yaml --output mended.mic
    accepted mended.mic 'accepted: 3 records'
}

all_cards_are_bad()
{
    debit 2
    change job.yaml 's/^on_bad_record.*/on_bad_record: set-aside/; s/^output.*/output: {file: out.mic, set_aside: refused.csv}/'
    change cards.csv '2,3s/,20[0-9-]*,/,2030-02-31,/'
    status=0
    "$cardprep" run job.yaml >out 2>err || status=$?
    [ $status -eq 4 ] || fail "exit status $status: $(cat err)"
}

set_aside_file_exists()
{
    debit 2
    change job.yaml 's/^on_bad_record.*/on_bad_record: set-aside/; s/^output.*/output: {file: out.mic, set_aside: refused.csv}/'
    echo kept >refused.csv
    refused 6 'refused.csv' out.mic
    [ "$(cat refused.csv)" = kept ] || fail 'it was replaced'
}

begin input softhsm
shows 'an empty file' empty_file
shows 'an input that is not there' input_is_not_there
shows 'no last newline, CRLF and a byte order mark change nothing' forms_of_text_files
shows 'fixed columns with CRLF, and a short line' fixed_columns_of_any_line_end
shows 'a name outside the character set' name_outside_the_character_set
shows 'text within the character set is kept as it is' name_within_the_character_set_is_kept
shows 'a row with too few columns' wrong_column_count
shows 'a repeated card number' repeated_card_number
shows 'a repeated card object identifier' repeated_object_identifier
shows 'a wrong check digit' wrong_check_digit
shows '31 February' date_that_is_none
shows 'amounts out of range' amounts_out_of_range
shows 'a field too long for its place' field_too_long
shows 'a quote that never ends' quote_that_never_ends
shows 'lines of 3 MB and 10 GB' giant_line
shows 'a MIC file cut anywhere' mic_file_cut_anywhere
shows 'a record over its limit' record_over_its_limit
shows 'joined rows that are missing, repeated or unused' joined_rows
shows 'a MIC file as a joined source' rows_joined_from_mic
shows 'bad cards are set aside, the others go on' bad_cards_are_set_aside
shows 'nothing but bad cards' all_cards_are_bad
shows 'a set-aside file that exists' set_aside_file_exists
finish
