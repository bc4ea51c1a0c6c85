#!/bin/sh
# The issuer's half of the shipped plan on NSS, by people at a terminal: a token that is there already, adds components itself and
# keeps no private data objects. NSS has one token, so nothing is handed over.
# shellcheck source=tests/e2e/ceremony_lib.sh
. "$(dirname "$0")/ceremony_lib.sh"

# hall: a new folder with an empty token and the plan without the bureau.
hall()
{
    mkdir -m 700 hall hall/database
    cd hall
    use_tokens "$PWD"
    nss_parameters "$PWD"
    (umask 077 && printf '1357246801\n' >token.pin)
    "$E2E_BUILD/tests/e2e/make_nss_token" "$module" "$parameters" demo-issuer token.pin
    sed "/name: bureau, /d; /tokens: \[bureau\]/d; /hand_over:/d; /{to: bureau,/d; /^trust:/d; /{signer: /d
        /name: ZCMK-BUREAU/,/generate: yes/d; s/, {bureau: kek-bureau}//; s/\[issuer, bureau\]/[issuer]/
        s|module: $demo_module, label: example-issuer|module: $module, label: demo-issuer, parameters: \"$parameters\"|
        s/, so_pin: halves, initialise: yes//" "$plan" >plan.yaml
}

# finished: the scheme answers, nothing is left to be made, and all is as the plan says.
finished()
{
    the_scheme_answers
    to_the_end
    relates ' 0 made, 15 already there, 0 waiting for others'
    all_right
    expect 0 people : "$cardkeys" audit verify plan.yaml
    relates '0 lines behind the last verified one'
}

made()
{
    hall
    expect 0 people : "$cardkeys" check plan.yaml
    expect 0 people : "$cardkeys" run plan.yaml
    relates '13 made, 1 already there, 1 waiting for others'
    relates 'this token cannot keep the log'
    expect 3 people : "$cardkeys" verify plan.yaml
    tells 'waits  certificate of issuer-pair: '
    finished
    expect 0 people : "$cardkeys" kcv plan.yaml KML
    relates "issuer	B0E088" # by openssl enc -des-ede3: C1 xor C2 over eight zero bytes
    expect 0 people : "$cardkeys" report plan.yaml
    printf 'cardprep-report-1\0' | cat - example.report.txt >signed
    openssl dgst -sha256 -verify job-signer.pem -signature example.report.txt.sig signed >/dev/null || fail 'the signature is wrong'
}

slips()
{
    hall
    expect 0 people --wrong 'Custodian 1, type your name' 'Custodian 2' --wrong 'KML/1 component 1: digits 1 to 16' 0123456789ABCDE \
        --wrong 'Is that the one on your form' no --wrong 'Officer 1: write it onto the form' 123456 \
        : "$cardkeys" run plan.yaml
    relates 'The line has 15 hex digits, not 16. This line once more.'
    relates "Not taken: its check value is not that of the custodian's form."
    relates '13 made, 1 already there, 1 waiting for others'
    finished
}

# ends STATUS ACTION QUESTION: a sitting that ends early, with this status and a whole log.
ends()
{
    expect "$1" people "$2" "$3" : "$cardkeys" run plan.yaml
    [ ! -e example.audit.jsonl ] || expect 0 "$cardkeys" audit verify plan.yaml
}

# Left, interrupted by Ctrl-C, or killed, wherever something is typed: the ceremony goes on to its end.
cut_short()
{
    hall
    for question in 'half (2 of 2) of the user PIN' 'Press Enter' 'Custodian 1, type your name' \
        'KML/1 component 1: digits 17 to 32' 'Is that the one on your form' 'KML/1 component 2: digits 1 to 16' \
        'Officer 1: write it onto the form' 'Is everybody here'; do
        ends 130 --interrupt "$question"
        ends 137 --kill "$question"
    done
    expect 0 people : "$cardkeys" run plan.yaml
    relates ' 1 waiting for others'
    finished
}

begin ceremony_nss nss
shows 'from an empty token to a report' made
shows 'slips are put right at once' slips
shows 'Ctrl-C and kill -9 wherever something is typed' cut_short
finish
