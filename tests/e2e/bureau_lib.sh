# shellcheck shell=sh
# What suites that make cards have in common: blank cards and hands that feed them, the demo's job at the bureau, and reading a card back.
# A suite reads lib.sh and cards_lib.sh, calls own_pcscd, and reads this file. What is due comes from the independent reader (`dump`) and
# from openssl.

# shellcheck disable=SC2154 # of lib.sh and cards_lib.sh
cardbureau=$E2E_BUILD/bureau/cardbureau
purse=A000000003101001
payment=A0000000031010
loyalty=F04C4F59414C5459
kmc_des=404142434445464748494A4B4C4D4E4F

# ---- cards ----

upper()
{
    tr a-f A-F
}

# master_of VERSION: method and master of the KMC that this case knows by this key version: the demo's two, or what `kmc` has added.
master_of()
{
    if [ "$1" -le 2 ]; then
        awk -v want="\"KMC/$1\"" 'index($0, want) { found = 1 }
            found && /"master"/ { gsub(/[^0-9a-f]/, "", $2); print "kmc-aes", $2; exit }' demo.keys.json
    else
        sed -n "s/^$1 //p" kmcs
    fi
}

# cmac KEY DATA
cmac()
{
    hex_bytes "$2" | openssl mac -cipher "AES-$((${#1} * 4))-CBC" -macopt "hexkey:$1" CMAC
}

# card_key NUMBER KEYDATA VERSION: one of the card's keys by docs/formats/derivation.md.
card_key()
{
    row=$(master_of "$3")
    master=${row#* }
    case ${row% *} in
    kmc-cps) block=$(echo "$2" | cut -c 9-20) ;;
    kmc-visa2) block=$(echo "$2" | cut -c 1-4,9-16) ;;
    kmc-aes)
        {
            cmac "$master" "010000000${1}00$2"
            [ ${#master} -le 32 ] || cmac "$master" "020000000${1}00$2"
        } | tr -d '\n' | cut -c "1-${#master}"
        return
        ;;
    *) fail "no KMC has key version $3" ;;
    esac
    hex_bytes "${block}F00$1${block}0F0$1" | openssl enc -des-ede -nopad -K "$master" | basenc --base16
}

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

# feed SLOT NUMBER…: puts cards in, one after the other; each is taken out when the journal has its outcome. NUMBER:WHAT is a card that
# fails on purpose.
feed()
{
    slot=$1
    shift
    for one in "$@"; do
        number=${one%%:*}
        before=$(outcomes "$number")
        set -- --reader "$slot" --state "c$number"
        [ "$one" = "$number" ] || set -- "$@" --fail "${one#*:}"
        "$softcard" "$@" 2>>"slot$slot.log" &
        fed=$!
        tries=0
        while [ "$(outcomes "$number")" = "$before" ] && [ $tries -lt 200 ] && [ ! -e run-is-over ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        kill $fed 2>/dev/null || :
        wait $fed || :
        until_true has_no_card "$slot"
    done
}

# ---- the job ----

# settings: the demo's bureau on this kind's module, as bureau.yaml.
settings()
{
    sed "s|$demo_module|$module|" "$demo/bureau.yaml" >bureau.yaml
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

# ordered N: the same, accepted by the bureau.
ordered()
{
    sealed "$1"
    settings
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml
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

# records_are RECORD AID: every record of this application on the card in slot 0.
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
}

# retail_mac KEY DATA: of two blocks.
retail_mac()
{
    first=$(hex_bytes "$(echo "$2" | cut -c 1-16)" | openssl enc -des-ede -nopad -K "$(echo "$1" | cut -c 1-16)$(echo "$1" | cut -c 1-16)" |
        basenc --base16)
    hex_bytes "$(echo "$2" | cut -c 17-32)" | openssl enc -des-ede-cbc -nopad -K "$1" -iv "$first" | basenc --base16
}

# proof KEY KIND DATA: what PROVE KEY answers (docs/formats/softcard.md); KIND as C4 has it, DATA of two blocks of DES.
proof()
{
    case $2 in
    01) retail_mac "$1" "${3}8000" ;;
    *) cmac "$1" "$3" | cut -c 1-16 ;;
    esac
}

# keys_are RECORD AID: the card makes the MAC of each key that the reader has computed.
keys_are()
{
    sed -nE "s|^record $1/CHIP/entry $2/E1 ([^/]*)/C4 = (0[135])\$|\1 \2|p" dump >names
    [ -s names ] || fail "no keys in the job: $1 $2"
    challenge=1122334455667788
    number=0
    commands=00A40400$(printf %02X $((${#2} / 2)))${2}00
    while read -r name key_kind; do
        key=$(sed -nE "s|^record $1/CHIP/entry $2/E1 $name/C7 unwrapped = ([0-9A-F]+)\$|\1|p" dump)
        [ -n "$key" ] || fail "the reader does not open $name of record $1"
        number=$((number + 1))
        commands="$commands 80880${number}0008${challenge}00"
        echo "$(proof "$key" "$key_kind" "50524F56450${number}${challenge}")9000"
    done <names >wanted
    # shellcheck disable=SC2086
    talk 0 $commands
    tail -n +2 answers | cmp -s - wanted || fail "record $1 $2: keys: $(cat answers), not $(cat wanted)"
}

# pair_is RECORD AID DATA: the card signs, and the signature opens under the key pair whose certificate the reader has verified.
pair_is()
{
    sed -nE "s|^record $1/CHIP/entry $2/E1 card-key/C7 unwrapped = ||p" dump | basenc --base16 -d >private.der
    openssl pkey -inform DER -in private.der -pubout -out public.pem
    talk 0 "00A40400$(printf %02X $((${#2} / 2)))${2}00" "$4" "0088000004${3}00"
    last_is '80.*9000'
    tail -n 1 answers | sed -E 's/^80(81)?..//; s/9000$//' | basenc --base16 -d >signature
    openssl pkeyutl -verifyrecover -pubin -inkey public.pem -pkeyopt rsa_padding_mode:none -in signature | basenc --base16 -w 0 >opened
    grep -qE '^6A0501.*BC$' opened || fail "record $1 $2: the signature does not open: $(cat opened)"
    hashed=$(sed 's/^6A//; s/.\{42\}$//' opened)$3
    hash=$(hex_bytes "$hashed" | openssl dgst -sha1 -r | cut -c 1-40 | upper)
    grep -q "${hash}BC\$" opened || fail "record $1 $2: the signature is over other data"
}

# read_back RECORD [FILE]: everything that can be read of its card, and what cannot by what the card does with it. FILE: of a card that the
# books do not know.
read_back()
{
    file=${2:-$(card_of "$1")}
    [ -e "$file" ] || fail "record $1 has no card: $file"
    insert "$file" 0
    for aid in $purse $payment $loyalty; do
        if grep -q "^record $1/CHIP/entry $aid/" dump; then records_are "$1" "$aid"; fi
    done
    keys_are "$1" $purse
    keys_are "$1" $payment
    talk 0 00A4040007${payment}00 80A8000002830000
    head -n 1 answers | grep -q "$(due "$1" $payment 9102)" || fail "record $1: FCI: $(cat answers)"
    options=$(due "$1" $payment 9104)
    last_is "77$(printf %02X $((${#options} / 2)))${options}9000"
    pair_is "$1" $payment 11223344 80A8000002830000
    # The supplier's keys open it no more than to whoever has them; the domain is locked for use: SECURED.
    remove 0
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

# kmc NAME VERSION ALGORITHM METHOD KEY_VERSION MASTER: one more KMC of the bureau, in its settings and in plan.yaml, from two components.
# `more_kmcs` brings it to the token.
kmc()
{
    [ -e plan.yaml ] || cp "$tokens/plan.yaml" .
    one=$(echo "$6" | sed 's/../A5/g')
    two=$(echo "$6" | fold -w 2 | while read -r byte; do printf %02X $((0x$byte ^ 0xA5)); done)
    case $3 in
    des*) kcv=$(hex_bytes 0000000000000000 | openssl enc -des-ede -nopad -K "$6" | basenc --base16 | cut -c 1-6) ;;
    *) kcv=$(cmac "$6" 00000000000000000000000000000000 | cut -c 1-10) ;;
    esac
    change plan.yaml "/^keys:/a\\
  - name: $1\\
    version: $2\\
    role: master\\
    algorithm: $3\\
    method: $4\\
    tokens: [bureau]\\
    kcv: \"$kcv\"\\
    components:\\
      - {custodian: TEST custodian 1, test: \"$one\"}\\
      - {custodian: TEST custodian 2, test: \"$two\"}"
    change bureau.yaml "/^card_keys:/a\\
  - {name: $1, version: $2, algorithm: $3, method: $4, key_version: $5, label: $1-$2, kcv: \"$kcv\"}"
    echo "$5 $4 $6" >>kmcs
}

# On tokens of this case's own.
more_kmcs()
{
    cp "$tokens/plan.audit.jsonl" .
    expect 0 "$cardkeys" run --yes plan.yaml
}

# A third KMC, with TDES keys: cards of key version 3.
tdes_kmc()
{
    kmc KMC-DES 1 des2 kmc-visa2 3 $kmc_des
    more_kmcs
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
