# shellcheck shell=sh
# What a payment terminal does with a card, and what an issuer's host checks of its answers, with opensc-tool and openssl alone: reading an
# application by its AFL, data authentication from the scheme's key in ca-key.yaml down (EMV Book 2, 5 and 6), cryptograms
# (Book 2, 8.1 and A1.3.1). A suite reads lib.sh and cards_lib.sh first. Bytes are hex in capitals; what a card said is in `answers`.

# ---- bytes ----

upper()
{
    tr a-f A-F
}

hex_of()
{
    basenc --base16 -w 0
}

# lc HEX: the length of so many bytes, as Lc says it.
lc()
{
    printf %02X $((${#1} / 2))
}

# part HEX FROM [BYTES]: from byte FROM on, counted from 0.
part()
{
    from=$((2 * $2 + 1))
    if [ $# -gt 2 ]; then
        printf %s "$1" | cut -c "$from-$((from + 2 * $3 - 1))"
    else
        printf %s "$1" | cut -c "$from-"
    fi
}

# byte HEX AT: as a number.
byte()
{
    printf %d "0x$(part "$1" "$2" 1)"
}

# leaves HEX: the elements of TLVs, in templates too, `TAG VALUE` a line.
leaves()
{
    printf '%s\n' "$1" | awk -v lists=0 "$walk_tlv"
}

# list_of HEX: what a data object list asks for, `TAG BYTES` a line.
list_of()
{
    printf '%s\n' "$1" | awk -v lists=1 "$walk_tlv"
}

# shellcheck disable=SC2016 # awk's dollars
walk_tlv='
    function number(text,    i, n) {
        for (i = 1; i <= length(text); i++) n = 16 * n + index("0123456789ABCDEF", substr(text, i, 1)) - 1
        return n
    }
    function take(digits,    text) {
        text = substr($0, at, digits); at += digits
        return text
    }
    function walk(end,    tag, first, byte, len, template) {
        while (at < end) {
            tag = first = take(2)
            template = int(number(first) / 32) % 2
            if (number(first) % 32 == 31) do { byte = take(2); tag = tag byte } while (number(byte) >= 128)
            len = number(take(2))
            if (lists) { print tag, len; continue }
            if (len > 128) len = number(take(2 * (len - 128)))
            if (template) walk(at + 2 * len)
            else print tag, take(2 * len)
        }
    }
    { at = 1; walk(length($0) + 1) }'

# inside HEX: the value of the one element there.
inside()
{
    case $(part "$1" 1 1) in
    81) part "$1" 3 ;;
    82) part "$1" 4 ;;
    *) part "$1" 2 ;;
    esac
}

# element TAG: from the file `elements`; empty where there is none.
element()
{
    awk -v want="$1" '$1 "" == want "" { print $2; exit }' elements
}

# element_is TAG HEX
element_is()
{
    [ "$(element "$1")" = "$2" ] || fail "$1 is '$(element "$1")', not '$2'"
}

# ---- keys and MACs ----

# des_cbc KEY IV DATA: with both halves alike it is single DES.
des_cbc()
{
    hex_bytes "$3" | openssl enc -des-ede-cbc -nopad -K "$1" -iv "$2" | hex_of
}

# retail_mac KEY DATA: ISO/IEC 9797-1, algorithm 3, padding 2.
retail_mac()
{
    padded=${2}80
    while [ $((${#padded} % 16)) -ne 0 ]; do padded=${padded}00; done
    half=$(part "$1" 0 8)
    last=$((${#padded} / 2 - 8))
    chained=0000000000000000
    if [ $last -gt 0 ]; then
        chained=$(des_cbc "$half$half" $chained "$(part "$padded" 0 $last)")
        chained=$(part "$chained" $((last - 8)))
    fi
    des_cbc "$1" "$chained" "$(part "$padded" $last)"
}

# mac KIND KEY DATA: eight bytes; KIND as C4 of a secret has it: 01 is DES, others are AES.
mac()
{
    if [ "$1" = 01 ]; then
        retail_mac "$2" "$3"
    else
        hex_bytes "$3" | openssl mac -cipher "AES-$((4 * ${#2}))-CBC" -macopt "hexkey:$2" CMAC | cut -c 1-16
    fi
}

# session_key KIND KEY ATC: the common session key derivation, for keys of 16 bytes.
session_key()
{
    if [ "$1" = 01 ]; then
        hex_bytes "${3}F00000000000${3}0F0000000000" | openssl enc -des-ede -nopad -K "$2" | hex_of
    else
        hex_bytes "${3}0000000000000000000000000000" | openssl enc -aes-128-ecb -nopad -K "$2" | hex_of
    fi
}

# ---- data authentication ----

# public_key MODULUS EXPONENT FILE: as PEM.
public_key()
{
    cat >asn1.conf <<KEY
asn1 = SEQUENCE:info
[info]
algorithm = SEQUENCE:rsa
key = BITWRAP,SEQUENCE:numbers
[rsa]
algorithm = OID:rsaEncryption
parameter = NULL
[numbers]
n = INTEGER:0x$1
e = INTEGER:0x$2
KEY
    openssl asn1parse -genconf asn1.conf -noout -out asn1.der
    openssl pkey -pubin -inform DER -in asn1.der -pubout -out "$3"
}

# opened KEY SIGNED HEADER HASHED: what a signature holds between header and hash, which must be right: 6A HEADER … SHA-1 BC. HASHED is
# what the hash covers besides.
opened()
{
    block=$(hex_bytes "$2" | openssl pkeyutl -verifyrecover -pubin -inkey "$1" -pkeyopt rsa_padding_mode:none | hex_of)
    length=$((${#block} / 2))
    case $block in "6A$3"*BC) ;; *) fail "$1 opens no ${3}: $block" >&2 ;; esac
    middle=$(part "$block" 1 $((length - 22)))
    hash=$(hex_bytes "$middle$4" | openssl dgst -sha1 -r | cut -c 1-40 | upper)
    [ "$(part "$block" $((length - 21)) 20)" = "$hash" ] || fail "$3 under $1: the hash is over other data" >&2
    part "$middle" 1
}

# without_filling HEX BYTES: a modulus of so many bytes, as far as a certificate holds it; behind it stands filling.
without_filling()
{
    here=$2
    [ "$here" -le $((${#1} / 2)) ] || here=$((${#1} / 2))
    case $(part "$1" "$here") in *[!B]*) fail "no filling behind the modulus: $1" >&2 ;; esac
    part "$1" 0 "$here"
}

# year_first MMYY: as a number that grows.
year_first()
{
    echo "$(part "$1" 1)$(part "$1" 0 1)"
}

# of_ca NAME: a value of the scheme's key.
of_ca()
{
    sed -n "s/^  $1: \"\(.*\)\"/\1/p" ca-key.yaml
}

# subordinate HOLDS AT REST EXPONENT FILE: the public key that a certificate holds: algorithms (2), lengths (2), modulus from byte AT on.
subordinate()
{
    [ "$(part "$1" "$2" 2)" = 0101 ] || fail "other algorithms: $1"
    due_length=$(byte "$1" $(($2 + 2)))
    [ "$(byte "$1" $(($2 + 3)))" -eq $((${#4} / 2)) ] || fail "another length of exponent: $1"
    modulus=$(without_filling "$(part "$1" $(($2 + 4)))" "$due_length")$3
    [ $((${#modulus} / 2)) -eq "$due_length" ] || fail "a modulus of $due_length bytes: $modulus"
    public_key "$modulus" "$4" "$5"
}

# certified_key ISSUER SUBJECT STATIC: the card's key as card.pem, by the certificates in `elements` and the scheme's key: CA → issuer → card.
# Both certificates name whom they are for; STATIC is signed with the card's.
certified_key()
{
    element_is 8F "$(of_ca index)"
    public_key "$(of_ca modulus)" "$(of_ca exponent)" ca.pem
    # issuer (4), expiry (2), serial number (3), key
    holds=$(opened ca.pem "$(element 90)" 02 "$(element 92)$(element 9F32)")
    [ "$(part "$holds" 0 4 | sed 's/F*$//')" = "$1" ] || fail "the issuer's certificate is not of $1: $holds"
    issuer_ends=$(year_first "$(part "$holds" 4 2)")
    [ "$issuer_ends" -le "$(year_first "$(of_ca expiry)")" ] || fail "the issuer's certificate ends in $issuer_ends, after the scheme's key"
    subordinate "$holds" 9 "$(element 92)" "$(element 9F32)" issuer.pem
    # subject (10), expiry (2), serial number (3), key
    holds=$(opened issuer.pem "$(element 9F46)" 04 "$(element 9F48)$(element 9F47)$3")
    [ "$(part "$holds" 0 10 | sed 's/F*$//')" = "$2" ] || fail "the card's certificate is not of $2: $holds"
    card_ends=$(year_first "$(part "$holds" 10 2)")
    [ "$card_ends" -le "$issuer_ends" ] || fail "the card's certificate ends in $card_ends, after the issuer's"
    subordinate "$holds" 15 "$(element 9F48)" "$(element 9F47)" card.pem
}

# static_is DAC STATIC: signed static data, under issuer.pem.
static_is()
{
    holds=$(opened issuer.pem "$(element 93)" 03 "$2")
    case $holds in "01$1"*) ;; *) fail "signed static data: $holds" ;; esac
}

# dynamic_is ANSWER CHALLENGE: the answer to INTERNAL AUTHENTICATE, under card.pem. The card's own number is left in dynamic_number.
dynamic_is()
{
    signature=$(leaves "${1%9000}" | sed -n 's/^80 //p')
    holds=$(opened card.pem "$signature" 05 "$2")
    # hash algorithm, length of what is the card's: its number with a length
    length=$(byte "$holds" 2)
    case $holds in "01$(printf %02X $((length + 1)))"*) ;; *) fail "signed dynamic data: $holds" ;; esac
    # shellcheck disable=SC2034 # for suites
    dynamic_number=$(part "$holds" 3 "$length")
}

# ---- a transaction ----

# afl_records AFL: `RECORD SFI SIGNED` of each, in its order; SIGNED is 1 or 0 (Book 3, 10.2).
afl_records()
{
    printf '%s\n' "$1" | fold -w 8 | while read -r range; do
        number=$(byte "$range" 1)
        signed=$((number + $(byte "$range" 3)))
        while [ "$number" -le "$(byte "$range" 2)" ]; do
            echo "$number $(($(byte "$range" 0) >> 3)) $((number < signed))"
            number=$((number + 1))
        done
    done
}

# read_application AID: SELECT, GET PROCESSING OPTIONS, and each record that the AFL names. Leaves fci and options as the card said them, what
# is signed in static_data, the AFL's records in `afl`, elements in `elements`.
read_application()
{
    selecting=00A40400$(lc "$1")${1}00
    talk 0 "$selecting" 80A8000002830000
    # shellcheck disable=SC2034 # for suites
    fci=$(sed -n '1s/9000$//p' answers)
    options=$(sed -n '2s/9000$//p' answers)
    [ -n "$options" ] || fail "$1 cannot be used: $(cat answers)"
    leaves "$options" >elements
    aip=$(element 82)
    afl_records "$(element 94)" >afl
    # shellcheck disable=SC2046 # one command a word
    talk 0 "$selecting" 80A8000002830000 $(while read -r number sfi _; do printf '00B2%02X%02X00\n' "$number" $((sfi << 3 | 4)); done <afl)
    static_data=
    tail -n +3 answers | paste -d ' ' - afl >said.records
    while read -r answer number sfi signed; do
        case $answer in *9000) ;; *) fail "record $number of file $sfi: $answer" ;; esac
        leaves "${answer%9000}" >>elements
        [ "$signed" = 0 ] || static_data=$static_data$(inside "${answer%9000}")
    done <said.records
    case $(element 9F4A) in
    '') ;;
    82) static_data=$static_data$aip ;;
    *) fail "9F4A is $(element 9F4A)" ;;
    esac
}

# has_all TAG…: the elements that the card must have.
has_all()
{
    for tag in "$@"; do [ -n "$(element "$tag")" ] || fail "the card has no $tag"; done
}

# application_is_sound: what read_application has left is what a terminal goes on with: nothing twice (Book 3, 10.2), what is mandatory (7.2), and
# all that the AIP promises (Book 2, 5.1 and 6.1; Book 3, C1).
application_is_sound()
{
    doubles=$(cut -d ' ' -f 1 elements | sort | uniq -d)
    [ -z "$doubles" ] || fail "stands twice: $doubles"
    has_all 5A 5F24 8C 8D
    [ $((0x$aip & 0x6000)) -eq 0 ] || has_all 8F 90 9F32
    [ $((0x$aip & 0x4000)) -eq 0 ] || has_all 93
    if [ $((0x$aip & 0x2000)) -ne 0 ]; then
        has_all 9F46 9F47 9F49
        list_of "$(element 9F49)" | grep -q '^9F37 ' || fail "the DDOL lacks the terminal's number: $(element 9F49)"
    fi
    [ $((0x$aip & 0x1000)) -eq 0 ] || has_all 8E
    [ $((0x$aip & 0x0100)) -eq 0 ] || fail "combined data authentication is promised: $aip"
}

# asks_for_offline_pin: the CVM list has a rule with a PIN that the card verifies (Book 3, C3). Two amounts, then rules.
asks_for_offline_pin()
{
    part "$(element 8E)" 8 | fold -w 4 | while read -r rule; do echo $((0x${rule%??} & 0x3F)); done | grep -q '^[1345]$'
}

# terminal_says TAG BYTES: what the terminal has for it.
terminal_says()
{
    case $1 in
    8A) echo 3030 ;;
    95) echo 8000048000 ;;
    9A) echo 261126 ;;
    9C) echo 00 ;;
    5F2A) echo 0978 ;;
    9F02) echo 000000012345 ;;
    9F03) echo 000000000100 ;;
    9F1A) echo 0276 ;;
    9F34) echo 1F0302 ;;
    9F35) echo 22 ;;
    9F37) echo A1B2C3D4 ;;
    *) printf "%0$((2 * $2))d\n" 0 ;;
    esac
}

# told LIST: the values for a data object list, joined.
told()
{
    list_of "$1" | while read -r tag bytes; do terminal_says "$tag" "$bytes"; done | tr -d '\n'
}

# cryptogram KIND KEY AIP ATC: what the card must give for what the terminal says (Book 2, 8.1).
cryptogram()
{
    covered=$(for tag in 9F02 9F03 9F1A 95 5F2A 9A 9C 9F37; do terminal_says $tag; done | tr -d '\n')
    mac "$1" "$(session_key "$1" "$2" "$4")" "$covered$3$4"
}

# cryptogram_is ANSWER TYPE ATC KIND KEY: the answer to GENERATE AC, under the card's master key for cryptograms.
cryptogram_is()
{
    due=77149F2701${2}9F3602${3}9F2608$(cryptogram "$4" "$5" "$aip" "$3")9000
    [ "$1" = "$due" ] || fail "GENERATE AC: $1, not $due"
}
