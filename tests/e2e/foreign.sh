#!/bin/sh
# Other people's programs talk to the software card and to cards that the bureau has made: cardpeek reads one through and must have found
# what the job put there; emv-tool is a terminal that authenticates it; gpshell3 manages and personalizes blank ones. A program that is not
# there is not tried (docs/INTEROPERABILITY.md has their versions).
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here, or none of these programs.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd foreign "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

first_keys='--key 404142434445464748494A4B4C4D4E4F' # of `softcard --new`
new_keys='--enc 505152535455565758595A5B5C5D5E5F --mac 606162636465666768696A6B6C6D6E6F --dek 707172737475767778797A7B7C7D7E7F'

# with PROGRAM WHAT FUNCTION: a case that needs this program.
with()
{
    if command -v "$1" >/dev/null; then
        shows "$2" "$3"
    else
        echo "not tried: $2 (no $1 on this machine)"
    fi
}

# made_cards: the bureau's, in c1 (T=1) and c2 (T=0).
made_cards()
{
    ordered 2
    blank 1 2 --scp 03 --i 70
    blank 2 2 --scp 03 --i 10 --t0
    bureau_with 0 personalize '1 2'
    result_is '2 cards made'
}

# ---- a reader of cards ----

# due_values: TAG=VALUE of everything that can be read of record 1's payment application, from the independent reader's dump.
due_values()
{
    sed -nE "s|^record 1/CHIP/entry $payment/E2 (0[0-9A]..\|910[24])/C9/(.*) = |\2=|p" dump | sed 's|.*/||'
}

read_by_cardpeek()
{
    made_cards
    # It unpacks its scripts at the first start, and asks whether it may; ids in the archive are of a user that these namespaces lack.
    export HOME="$PWD/home" TAR_OPTIONS=--no-same-owner
    mkdir -p "$HOME/.cardpeek"
    yes 1 | expect 0 timeout 60 cardpeek --console --exec 'os.exit(0)'
    due_values >wanted
    [ "$(wc -l <wanted)" -gt 20 ] || fail "the job has $(cat wanted)"
    insert c1 0
    yes 1 | expect 0 timeout 60 cardpeek --console --reader "pcsc://Virtual PCD 00 00" \
        --exec "dofile('$HOME/.cardpeek/scripts/emv.lua'); ui.save_view('$PWD/view.xml'); os.exit(0)"
    remove 0
    awk -F '[<>]' '/name="id"/ { tag = $3 } /name="val"/ { sub(/^8:/, "", $3); print tag "=" $3 }' view.xml >found
    while read -r value; do grep -qxF "$value" found || fail "cardpeek has not found $value"; done <wanted
    grep -qx 9F36=0001 found || fail 'the transaction counter is not 1'
}

# ---- a terminal ----

# terminal CAPABILITIES MODULUS: the program's settings in terminal.xml.
terminal()
{
    hash=$(hex_bytes "$(of_ca rid)$(of_ca index)$2$(of_ca exponent)" | openssl dgst -sha1 -r | cut -c 1-40 | upper)
    cat >terminal.xml <<END
<?xml version='1.0' encoding='UTF-8'?>
<emv>
  <data>
    <tlv id='9F1A'>0840</tlv><tlv id='9F1B'>00002710</tlv><tlv id='9F1C'>"TERMINAL"</tlv><tlv id='9F33'>$1</tlv>
    <tlv id='9F35'>22</tlv><tlv id='9F40'>FA00F0A3FF</tlv><tlv id='9F49'>9F3704</tlv>
  </data>
  <app aid='$payment' match='partial'><data><tlv id='9F09'>0002</tlv></data></app>
  <capk rid='$(of_ca rid)' index='$(of_ca index)' hash_id='01'>
    <modulus>$2</modulus><exponent>$(of_ca exponent)</exponent><hash>$hash</hash>
  </capk>
</emv>
END
}

# pays CARD: a transaction up to the card's first cryptogram; the terminal's words are in `out`.
pays()
{
    insert "$1" 0
    expect 0 timeout 60 emv-tool --config-xml terminal.xml --debug-level TRACE --txn-date 2027-01-15 --txn-type 00 --txn-amount 1234
    remove 0
}

authenticated_by_emv_tool()
{
    dda=20F8C8 sda=20F880
    made_cards
    for one in c1 c2; do
        terminal $dda "$(of_ca modulus)"
        pays $one
        tells 'Dynamic Data Authentication (DDA) succeeded'
        tells 'Terminal Verification Results (TVR) : [5] 00 00 00 00 00'
        tells 'GENAC response: 77149F270100'
        terminal $sda "$(of_ca modulus)"
        pays $one
        tells 'Static Data Authentication (SDA) succeeded'
    done
    # Under the key of somebody else it is not authentic.
    terminal $dda "$(of_ca modulus | sed 's/^..../C0DE/')"
    pays c1
    tells 'Terminal Verification Results (TVR) : [5] 08 00 00 00 00'
}

# ---- a GlobalPlatform host ----

# host LEVEL KEYS COMMAND…
host()
{
    level=$1
    keys=$2
    shift 2
    # shellcheck disable=SC2086 # one option or key a word
    expect 0 timeout 60 gpshell3 --sec "$level" $keys "$@"
}

# managed PROTOCOL I LEVEL KEY-TYPE: a blank card gets a second key set, an application is locked and unlocked, and is personalized.
managed()
{
    level=$3
    record=7014DF2106000000123456DF23084241534943202020
    rm -f card
    "$softcard" --new --state card --serial 00000001 --scp "$1" --i "$2"
    insert card 0
    # shellcheck disable=SC2086
    host "$level" "$first_keys" put-auth --type "$4" --kv 0 --new-kv 2 $new_keys
    host "$level" "--kv 2 $new_keys" list-keys
    tells 'kv=0x01'
    tells 'kv=0x02'
    host "$level" "$first_keys" status app --lc locked $loyalty
    talk 0 00A4040008${loyalty}00
    last_is 6A82
    host "$level" "$first_keys" status app --lc selectable $loyalty
    host "$level" "$first_keys" store --format dgi $loyalty 010116$record
    talk 0 00A4040008${loyalty}00 00B2010C00
    last_is "${record}9000"
    remove 0
}

managed_by_gpshell3()
{
    managed 02 15 mac 3des
    managed 02 55 mac+enc 3des
    managed 03 00 mac aes
    managed 03 10 mac+enc aes
    managed 03 70 mac+enc aes
    # Protected answers: where a command has none, this program has no room for the R-MAC.
    "$softcard" --new --state quiet --serial 00000001 --scp 03 --i 70
    insert quiet 0
    host mac+enc+rmac "$first_keys" list-keys
    tells 'kv=0x01'
    remove 0
}

begin foreign softhsm
with cardpeek 'cardpeek reads a made card' read_by_cardpeek
with emv-tool 'emv-tool authenticates made cards: DDA and SDA, T=1 and T=0' authenticated_by_emv_tool
with gpshell3 'gpshell3 over SCP02 and SCP03: keys, states, personalization' managed_by_gpshell3
[ $cases -gt 0 ] || exit $skipped
finish
