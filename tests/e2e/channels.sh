#!/bin/sh
# The ways in which a bureau speaks with a card, on real readers: options and levels of SCP03, the KMCs and their methods, INSTALL [for
# personalization]. What was said is read from the log of the service that drives the readers; what is due comes from the independent
# reader and from openssl.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd channels "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# levels_are LEVEL: every channel since wire_begins was opened at this level.
levels_are()
{
    wire | sed -n 's/^8482\(..\)00.*/\1/p' | sort -u >levels
    [ "$(cat levels)" = "$1" ] || fail "not level $1: $(cat levels)"
}

# Each option that a card may have and personalize.sh does not show, at each level that the settings may ask for.
scp03_levels()
{
    ordered 6
    blank 1 2 --scp 03 --i 10
    blank 2 2 --scp 03 --i 20
    blank 3 2 --scp 03 --i 20
    blank 4 2 --scp 03 --i 70
    blank 5 2 --scp 03 --i 60
    blank 6 2 --scp 03 --i 30
    wire_begins
    bureau_with 0 personalize 1 --count 1
    levels_are 03
    echo 'response_mac: yes' >>bureau.yaml
    wire_begins
    bureau_with 0 personalize 2 --count 1
    levels_are 13
    echo 'security: mac' >>bureau.yaml
    wire_begins
    bureau_with 0 personalize 3 --count 1
    levels_are 11
    # Encrypted answers go with encrypted commands only.
    wire_begins
    bureau_with 0 personalize 4 --count 1
    levels_are 11
    change bureau.yaml 's/^security: mac/&+encryption/'
    wire_begins
    bureau_with 0 personalize 5 --count 1
    levels_are 33
    sed -i '/^response_mac/d; s/^security: .*/security: mac/' bureau.yaml
    wire_begins
    bureau_with 0 personalize 6 --count 1
    levels_are 01
    for record in 1 2 3 4 5 6; do read_back $record; done
}

# Each method and each size of a card's keys. The key version that the card tells finds its KMC.
kmcs()
{
    own_tokens
    ordered 6
    kmc KMC-DES 1 des2 kmc-visa2 3 $kmc_des
    kmc KMC-CPS 1 des2 kmc-cps 4 8C9D07A2E3F4156B7F80A1B2C4D3E5F6
    kmc KMC-192 1 aes192 kmc-aes 5 101112131415161718191A1B1C1D1E1F2021222324252627
    kmc KMC-256 1 aes256 kmc-aes 127 303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F
    more_kmcs
    blank 1 3 --scp 02 --i 55
    blank 2 4 --scp 02 --i 15
    blank 3 5 --scp 03 --i 70
    blank 4 127 --scp 03 --i 70
    blank 5 1 --scp 03 --i 00
    echo 'response_mac: yes' >>bureau.yaml
    bureau_with 0 personalize '5 4 3 2 1' --count 5
    result_is '5 cards made'
    for record in 1 2 3 4 5; do
        state_is $record made $((6 - record))
        read_back $record
    done
    # A card whose version nobody here knows stays as it is, and the record goes to the next one.
    echo '9 kmc-aes 404142434445464748494A4B4C4D4E4F' >>kmcs
    blank 7 9
    blank 6 2
    wire_begins
    bureau_with 0 personalize '7 6'
    says "the card's keys have version 9, for which the settings have no KMC"
    state_is 6 made 6
}

# Two applications through the security domain, one with a channel of its own.
through_domain()
{
    ordered 3
    printf '%s\n' 'applications:' "  - {aid: $purse, load: install-for-personalization}" \
        "  - {aid: $loyalty, load: install-for-personalization}" 'replace_keys: yes' >>bureau.yaml
    for number in 1 2 3; do blank $number 1; done
    wire_begins
    bureau_with 0 personalize 1 --count 1
    # Encrypted, so the AIDs are not to be seen: two of these, one application selected, four channels and one more with the new keys.
    [ "$(wire | grep -c '^84E62000')" -eq 2 ] || fail 'not two INSTALL'
    [ "$(wire | grep -c "^00A40400..$payment")" -eq 1 ] || fail 'payment was not selected'
    [ "$(wire | grep -c "^00A40400..\($purse\|$loyalty\)")" -eq 0 ] || fail 'the others were'
    [ "$(wire | grep -c '^8482')" -eq 4 ] || fail 'not four channels'
    # Pulled out in the middle of the purse, and when the last answer was lost: a redo goes on behind what is done.
    bureau_with 4 personalize '2:pull@14 3:pull-after@48'
    result_is '0 cards made; 2 half-done'
    bureau_with 0 redo '3 2'
    result_is '2 cards made'
    for record in 1 2 3; do read_back $record; done
}

begin channels softhsm
shows 'SCP03: options 10, 20, 30, 60, 70, and every level' scp03_levels
shows 'kmc-visa2, kmc-cps, kmc-aes with keys of 128, 192 and 256 bits: five KMCs, five cards' kmcs
shows 'INSTALL [for personalization], and an application with its own channel' through_domain
finish
