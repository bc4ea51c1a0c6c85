# shellcheck shell=sh
# The KMCs of a bureau, and the keys that cards have from them, computed with openssl by docs/formats/derivation.md. Read by bureau_lib.sh.

# shellcheck disable=SC2154 # of lib.sh
kmc_des=404142434445464748494A4B4C4D4E4F

# master_of VERSION: method and master of the KMC that this case knows by this key version: the demo's two, what `kmc` has added, or KMC-DES.
master_of()
{
    if [ "$1" -le 2 ]; then
        awk -v want="\"KMC/$1\"" 'index($0, want) { found = 1 }
            found && /"master"/ { gsub(/[^0-9a-f]/, "", $2); print "kmc-aes", $2; exit }' demo.keys.json
    elif [ -e kmcs ]; then
        sed -n "s/^$1 //p" kmcs
    else
        echo kmc-visa2 $kmc_des
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
