# shellcheck shell=sh
# What suites that make cards have in common: blank cards and hands that feed them, the demo's job at the bureau, and reading a card back.
# A suite reads lib.sh and cards_lib.sh, calls own_pcscd, and reads this file. What is due comes from the independent reader (`dump`) and
# from openssl.

# shellcheck disable=SC2154 # of lib.sh and cards_lib.sh
cardbureau=$E2E_BUILD/bureau/cardbureau
purse=A000000003101001
payment=A0000000031010
loyalty=F04C4F59414C5459

# shellcheck source=tests/e2e/terminal_lib.sh
. "$(dirname "$0")/terminal_lib.sh"
# shellcheck source=tests/e2e/kmc_lib.sh
. "$(dirname "$0")/kmc_lib.sh"

# ---- cards ----

# serial_of NUMBER: the card's KEYDATA.
serial_of()
{
    printf '0000400001%010d' "$1"
}

# keys_of NUMBER VERSION: ENC:MAC:DEK of this card.
keys_of()
{
    echo "$(card_key 1 "$(serial_of "$1")" "$2"):$(card_key 2 "$(serial_of "$1")" "$2"):$(card_key 3 "$(serial_of "$1")" "$2")"
}

# blank NUMBER VERSION OPTION…: a card as its supplier delivers it, in the file cNUMBER, with keys of this version of KMC.
blank()
{
    serial=$(serial_of "$1")
    keys=$(keys_of "$1" "$2")
    state=c$1
    version=$2
    shift 2
    echo "$keys" | "$softcard" --new --state "$state" --serial "$serial" --kvn "$(printf %02X "$version")" --keys - "$@"
}

# outcomes NUMBER: how many the journal has of this card.
outcomes()
{
    grep -h '"event":"card-outcome"' demo-books.sqlite.*.journal 2>/dev/null | grep -c "\"card\":\"$(serial_of "$1")\"" || :
}

# feed SLOT NUMBER…: puts cards in, one after the other; each is taken out when the journal has its outcome, or what else $told_by counts
# of a card. NUMBER:WHAT is a card that fails on purpose.
told_by=outcomes
feed()
{
    slot=$1
    shift
    for one in "$@"; do
        number=${one%%:*}
        before=$($told_by "$number")
        set -- --reader "$slot" --state "c$number"
        [ "$one" = "$number" ] || set -- "$@" --fail "${one#*:}"
        "$softcard" "$@" 2>>"slot$slot.log" &
        fed=$!
        tries=0
        while [ "$($told_by "$number")" = "$before" ] && [ $tries -lt 200 ] && [ ! -e run-is-over ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        kill $fed 2>/dev/null || :
        wait $fed || :
        await_empty "$slot"
    done
}

# ---- the job ----

# settings: the demo's bureau on this kind's module, as bureau.yaml.
settings()
{
    sed "s|$demo_module|$(softhsm_module)|" "$demo/bureau.yaml" >bureau.yaml
}

# sealed N: the demo's job of N cards as demo.mic, with what the reader finds in it (`dump`); made once in a suite.
sealed()
{
    if [ ! -e "$folder/sealed.$1/dump" ]; then
        mkdir -p "$folder/sealed.$1"
        (
            cd "$folder/sealed.$1" || exit
            furnish "$tokens"
            cards "$1"
            job job
            expect 0 "$cardprep" run job.yaml
            accepted demo.mic
            "$reader" --dump --unwrap demo.keys.json demo.mic >dump.made
            mv dump.made dump
        )
    fi
    for file in cards.csv job.yaml demo.mic dump; do cp "$folder/sealed.$1/$file" .; done
}

# ordered N: the demo's job of N cards, accepted by the bureau. A case with profiles of its own has a file of its own.
ordered()
{
    if [ ! -h profiles ]; then
        cards "$1"
        job job
        delivered
        return
    fi
    sealed "$1"
    [ -e bureau.yaml ] || settings
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml
}

# delivered: what the job makes, as demo.mic, checked by the bureau; and the independent reader's dump of it.
delivered()
{
    expect 0 "$cardprep" run job.yaml --output demo.mic
    at_the_bureau
}

# at_the_bureau: demo.mic is checked there, by bureau.yaml, which is the demo's where there is none.
at_the_bureau()
{
    [ -e bureau.yaml ] || settings
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml
    accepted demo.mic
    "$reader" --dump --unwrap demo.keys.json demo.mic >dump
}

# bureau STATUS COMMAND OPTION…
bureau()
{
    due_status=$1
    command=$2
    shift 2
    expect "$due_status" "$cardbureau" "$command" "${mic:-demo.mic}" --settings bureau.yaml "$@"
}

# state_is RECORD STATE CARD
state_is()
{
    bureau 0 status --all --json --records "$1"
    tr -d ' \n' <out | grep -qF "{\"record\":$1,\"state\":\"$2\",\"card\":\"$(serial_of "$3")\"" || fail "record $1: $(cat out)"
}

# card_of RECORD: the file of its card.
card_of()
{
    "$cardbureau" status demo.mic --settings bureau.yaml --all --json | tr -d ' \n' |
        sed -n "s/.*{\"record\":$1,\"state\":\"made\",\"card\":\"0000400001\([0-9]*\)\".*/\1/p" | sed 's/^0*/c/'
}

# ---- read back ----

# due RECORD AID DGI: what the job put there, from the reader's dump.
due()
{
    awk -v at="record $1/CHIP/entry $2/E2 $3/C9" '
        function length_of(n) { return n < 128 ? sprintf("%02X", n) : n < 256 ? sprintf("81%02X", n) : sprintf("82%04X", n) }
        index($0, at "/") == 1 || index($0, at " = ") == 1 {
            value = $0; sub(/.* = /, "", value)
            path = substr($0, length(at) + 2); sub(/ = .*/, "", path)
            n = split(path, tags, "/")
            if (index($0, at " = ") == 1) { print value; exit }
            if (n == 2) template = tags[1]
            all = all tags[n] length_of(length(value) / 2) value
        }
        END { if (template) all = template length_of(length(all) / 2) all; if (all) print all }' dump
}

# dgis RECORD AID: the data groupings that are records.
dgis()
{
    sed -nE "s|^record $1/CHIP/entry $2/E2 (0[0-9A]..)/.*|\1|p" dump | uniq
}

# records_are RECORD AID: every record of this application on the card in slot 0. Leaves their elements in `elements`.
records_are()
{
    dgis "$1" "$2" >records
    [ -s records ] || fail "no records in the job: $1 $2"
    commands=00A40400$(printf %02X $((${#2} / 2)))${2}00
    while read -r dgi; do
        commands="$commands 00B2${dgi#??}$(printf %02X $((0x${dgi%??} << 3 | 4)))00"
    done <records
    # shellcheck disable=SC2086 # one command a word
    talk 0 $commands
    while read -r dgi; do echo "$(due "$1" "$2" "$dgi")9000"; done <records >wanted
    tail -n +2 answers | cmp -s - wanted || fail "record $1 $2: the card has $(cat answers), the job $(cat wanted)"
    while read -r answer; do leaves "${answer%9000}"; done <wanted >elements
}

# secrets RECORD AID: `KIND KEY` of each symmetric key there, as the reader has computed it, in the order of the card.
secrets()
{
    sed -nE "s#^record $1/CHIP/entry $2/E1 ([^/]*)/(C4|C7 unwrapped) = #\1 #p" dump |
        awk '$1 == name { if (kind < "06") print kind, $2; name = ""; next } { name = $1; kind = $2 }'
}

# keys_are RECORD AID: the card makes the MAC of each key that the reader has computed, and has no other keys.
keys_are()
{
    secrets "$1" "$2" >keys
    [ -s keys ] || fail "no keys in the job: $1 $2"
    challenge=1122334455667788
    number=0
    commands=00A40400$(lc "$2")${2}00
    while read -r kind key; do
        number=$((number + 1))
        commands="$commands 80880${number}0008${challenge}00"
        echo "$(mac "$kind" "$key" "50524F56450${number}${challenge}")9000"
    done <keys >wanted
    echo 6A88 >>wanted
    # shellcheck disable=SC2086
    talk 0 $commands "80880$((number + 1))0008${challenge}00"
    tail -n +2 answers | cmp -s - wanted || fail "record $1 $2: keys: $(cat answers), not $(cat wanted)"
}

# issuer: its digits, as the job has them.
issuer()
{
    sed -n 's/^issuer: "\(.*\)"/\1/p' job.yaml
}

# signs AID CHALLENGE COMMAND…: dynamic authentication by this application of the card, under card.pem, after these commands.
signs()
{
    challenge=$2
    selecting="00A40400$(lc "$1")${1}00"
    shift 2
    talk 0 "$selecting" "$@" "00880000$(lc "$challenge")${challenge}00"
    dynamic_is "$(tail -n 1 answers)" "$challenge"
}

# purse_is RECORD: its records; and where there are certificates in them, up to the scheme's key, the purse signs with that key pair.
purse_is()
{
    records_are "$1" $purse
    [ -n "$(element 9F46)" ] || return 0
    certified_key "$(issuer)" "$(element DF08)" ''
    signs $purse 11223344
}

# payment_is RECORD: its payment application as a terminal finds it: FCI, processing options, records as the AFL has them, data
# authentication up to the scheme's key.
payment_is()
{
    records_are "$1" $payment
    read_application $payment
    due_fci=84$(lc $payment)$payment$(due "$1" $payment 9102)
    [ "$fci" = "6F$(lc "$due_fci")$due_fci" ] || fail "record $1: FCI: $fci"
    due_options=$(due "$1" $payment 9104)
    [ "$options" = "77$(lc "$due_options")$due_options" ] || fail "record $1: processing options: $options"
    while read -r number sfi _; do printf '%02X%02X\n' "$sfi" "$number"; done <afl | sort >afl.dgis
    dgis "$1" $payment | sort | cmp -s - afl.dgis || fail "record $1: the AFL names $(cat afl.dgis)"
    application_is_sound
    [ $((0x$aip & 0x6000)) -ne 0 ] || return 0
    certified_key "$(issuer)" "$(element 5A)" "$static_data"
    static_is DAC1 "$static_data"
    signs $payment 11223344 80A8000002830000
}

# read_back RECORD [FILE]: everything that can be read of its card, and what cannot by what the card does with it. FILE: of a card that the
# books do not know.
read_back()
{
    file=${2:-$(card_of "$1")}
    [ -e "$file" ] || fail "record $1 has no card: $file"
    insert "$file" 0
    for aid in $purse $payment $loyalty; do
        grep -q "^record $1/CHIP/entry $aid/" dump || continue
        case $aid in
        "$purse") purse_is "$1" ;;
        "$payment") payment_is "$1" ;;
        *) records_are "$1" "$aid" ;;
        esac
        [ "$aid" = $loyalty ] || keys_are "$1" "$aid"
    done
    # The supplier's keys open it no more than to whoever has them; the domain is locked for use: SECURED.
    remove 0
}

# ---- what the input says ----

# text_of CHARACTERS
text_of()
{
    printf %s "$1" | hex_of
}

# yymmdd DATE
yymmdd()
{
    echo "$1" | sed 's/^..//; s/-//g'
}

# column NAME RECORD FILE SEPARATOR: of an input with a line of names.
column()
{
    awk -F "$4" -v name="$1" -v line=$(($2 + 1)) 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR == line { print $at }' "$3"
}

# positions NAME RECORD FILE: of an input with fixed columns, which the job describes.
positions()
{
    sed -n "s/.*{name: $1, start: \([0-9]*\), length: \([0-9]*\)}.*/\1 \2/p" job.yaml | {
        read -r start length
        sed -n "$2p" "$3" | cut -c "$start-$((start + length - 1))" | sed 's/ *$//'
    }
}

# cents AMOUNT: four bytes.
cents()
{
    printf %08X "$(echo "${1:-0.00}" | tr -d . | sed 's/^0*\(.\)/\1/')"
}

# joined_purse_input RECORD: the purse's elements, as the issuer's systems have them (job-joins.yaml).
joined_purse_input()
{
    records_are "$1" $purse
    element_is DF08 "$(column purse_number "$1" cards-core.csv ';')"
    element_is DF0C "$(yymmdd "$(column expiry "$1" cards-core.csv ';')")"
    element_is DF04 "$(cents "$(awk -F , -v purse="$(element DF08)" '$1 "" == purse "" { print $2 }' loads.csv)")"
}

# kmc_is VERSION: the card says by which version it calls its keys, which came from the supplier's KMC.
kmc_is()
{
    talk 0 00A4040000 80CA00E000
    last_is "E012C00401$(printf %02X "$1").*9000"
}

# ---- runs ----

# One after the other in one reader: bureau_with STATUS COMMAND CARDS OPTION…
bureau_with()
{
    due_status=$1
    command=$2
    fed_cards=$3
    shift 3
    rm -f run-is-over
    # shellcheck disable=SC2086 # one card a word
    feed 0 $fed_cards &
    feeder=$!
    expect "$due_status" timeout --signal=TERM 60 "$cardbureau" "$command" "${mic:-demo.mic}" --settings bureau.yaml --reader '* 00 00' "$@"
    cp out result
    touch run-is-over
    wait $feeder || fail 'cards were not fed'
}

result_is()
{
    grep -qF "$1" result || fail "not '$1': $(cat result)"
}

# card_is_known RECORD: the journal says which card has it.
card_is_known()
{
    grep -q "\"event\":\"card-known\",\"record\":$1," demo-books.sqlite.*.journal 2>/dev/null
}

# ---- what was said ----

# Commands and answers of this case so far, one a line in hex, as the service that drives the readers saw them. `wire_begins` first.
wire_begins()
{
    wire_from=$(wc -c <"$readers/pcscd.log")
}

wire()
{
    tail -c "+$((wire_from + 1))" "$readers/pcscd.log" | sed -n 's/^.*APDU: //p; s/^.*SW: //p' | tr -d ' '
}

# said REGEX: a command like this went to a card since wire_begins.
said()
{
    wire | grep -qE "^$1" || fail "no command $1: $(wire | cut -c 1-40)"
}
