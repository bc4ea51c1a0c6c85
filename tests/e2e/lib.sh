# shellcheck shell=sh
# What all end-to-end suites share. A suite is a sh script that reads this file, calls begin, shows its cases with
# `shows WHAT FUNCTION` and ends with `finish`. Each case runs in a folder of its own, as a subshell with errexit: the first
# expectation that does not hold ends it. Tokens are made once per kind by setup.sh and are only read here.
#
# From CTest: E2E_BUILD (build folder), E2E_SOURCE (source folder), E2E_WORK (folder for everything written).
set -eu

: "${E2E_BUILD:?}" "${E2E_SOURCE:?}" "${E2E_WORK:?}"
# shellcheck disable=SC2034 # the suites use it
cardkeys=$E2E_BUILD/ceremony/cardkeys
cardprep=$E2E_BUILD/prep/cardprep
reader=$E2E_BUILD/tests/reader/mic_reader
proxy=$E2E_BUILD/tests/support/p11proxy.so
demo=$E2E_SOURCE/config/examples/demo
demo_module=/usr/lib/softhsm/libsofthsm2.so # as the examples name it
skipped=77                                  # CTest's SKIP_RETURN_CODE
export LC_ALL=C

# The first of these files that there is.
first_file()
{
    for candidate in "$@"; do
        if [ -e "$candidate" ]; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

softhsm_module()
{
    first_file $demo_module /usr/lib/*/softhsm/libsofthsm2.so /usr/local/lib/softhsm/libsofthsm2.so
}

nss_module()
{
    first_file /usr/lib/*/libsoftokn3.so /usr/lib/*/nss/libsoftokn3.so /usr/lib64/libsoftokn3.so
}

# nss_parameters FOLDER: what the module wants at its start. It leaks at its end, which is not ours to report.
nss_parameters()
{
    # shellcheck disable=SC2034 # callers use it
    parameters="configdir='sql:$1/database' certPrefix='' keyPrefix='' secmod='secmod.db' flags= tokenDescription='demo-issuer' dbTokenDescription='demo-issuer'"
    export ASAN_OPTIONS=detect_leaks=0
}

# begin NAME KIND: a fresh folder for the suite, and the tokens of this kind (softhsm, nss).
begin()
{
    suite=$1
    kind=$2
    tokens=$E2E_WORK/$kind
    cases=0
    failures=0
    if ! module=$("${kind}_module"); then
        echo "no PKCS#11 module of $kind on this machine: skipped"
        exit $skipped
    fi
    if [ ! -e "$tokens/ready" ]; then
        echo "$tokens is not set up: run the test e2e/setup_$kind first" >&2
        exit 1
    fi
    use_tokens "$tokens"
    folder=$E2E_WORK/$suite
    rm -rf "$folder"
    mkdir -p "$folder"
}

# use_tokens FOLDER: where SoftHSM looks for its tokens, and where the processes that log in to these have their lock.
use_tokens()
{
    export SOFTHSM2_CONF="$1/softhsm2.conf" XDG_RUNTIME_DIR="$1"
}

# shows WHAT FUNCTION
shows()
{
    cases=$((cases + 1))
    place=$folder/$2
    mkdir -p "$place"
    set +e
    (
        set -e
        cd "$place"
        furnish "$tokens"
        "$2"
    ) >"$place/log" 2>&1
    shows_status=$?
    set -e
    [ -z "${E2E_TIMES:-}" ] || date +%T
    if [ $shows_status -eq 0 ]; then
        echo "ok      $1"
    else
        echo "NOT OK  $1   ($place)"
        sed 's/^/        /' "$place/log"
        failures=$((failures + 1))
    fi
}

finish()
{
    echo "$suite: $cases cases, $failures failed"
    [ "$failures" -eq 0 ]
}

# What jobs find beside them: PINs, profiles, certificates. PIN files must be the user's own, so the folder is linked.
furnish()
{
    for file in pins profiles ca-key.yaml issuer-certificate.yaml demo-signer.pem return-signer.pem demo.keys.json; do
        [ -e "$file" ] || ln -s "$1/$file" "$file"
    done
}

# own_tokens: a copy of the tokens for this case alone, for what may harm them or must see them undisturbed.
own_tokens()
{
    rm -rf own
    mkdir -m 700 own
    cp -r "$tokens/untouched" own/tokens
    sed "s|^directories.tokendir.*|directories.tokendir = $PWD/own/tokens|" "$tokens/softhsm2.conf" >own/softhsm2.conf
    use_tokens "$PWD/own"
}

# job EXAMPLE [SED]: the example job as job.yaml, on this kind's module, changed by a sed script that must change something.
job()
{
    sed "s|$demo_module|$module|" "$demo/$1.yaml" >job.yaml
    if [ $# -gt 1 ]; then change job.yaml "$2"; fi
}

# change FILE SED
change()
{
    sed "$2" "$1" >"$1.changed"
    if cmp -s "$1" "$1.changed"; then fail "'$2' changes nothing in $1"; fi
    mv "$1.changed" "$1"
}

# plan_on_one_token: the demo's plan as plan.yaml, on this kind's module, with the issuer's token alone: the bureau's, its half of
# the KEK and the pair that only it has are left out, and the supplier with all that is handed over.
plan_on_one_token()
{
    sed "s|$demo_module|$module|; /name: bureau,/d; /name: return-signing,/d
        s/, {bureau: kek-bureau}//; s/\[issuer, bureau\(, supplier\)*\]/[issuer]/; /supplier/d" "$demo/plan.yaml" >plan.yaml
}

# cards N [FORMAT]: input of the example jobs.
cards()
{
    "$E2E_SOURCE/scripts/make-demo-cards" --cards "$1" --format "${2:-csv}" .
}

# through_proxy: job.yaml on the recording module in front of the real one.
through_proxy()
{
    export P11PROXY_MODULE="$module"
    change job.yaml "s|$module|$proxy|"
}

# with_keydata: the reader's keys file with each card's KEYDATA from batch.txt, so that it opens keys under cards' own keys.
with_keydata()
{
    awk 'NR == FNR { list = list (NR > 1 ? "," : "") "\"" substr($0, 1, 11) "\": \"" substr($0, 13, 20) "\""; next }
        FNR == 1 { sub("{", "{ \"keydata\": {" list "},") } { print }' batch.txt demo.keys.json >with.keys.json
    mv with.keys.json demo.keys.json
}

# job_under_des_card_keys N: the job of the purse whose TDES keys leave under cards' own TDES keys (method 11), on NSS, and its input. All cards
# have their keys from KMC-DES, the reader's keys file knows them.
job_under_des_card_keys()
{
    job job-joins 's/profile: purse-card-key}/profile: purse-card-key-des}/
        s/^  - {name: KML-AES.*/  - {name: KML, version: 1, algorithm: des2, label: KML-1, kcv: "BF67BF"}/
        s/^  - {name: KMU-AES.*/  - {name: KMU, version: 1, algorithm: des2, label: KMU-1, kcv: "FBCDD1"}/
        s/^  - {name: KMC, version: 1.*/  - {name: KMC-DES, version: 1, algorithm: des2, label: KMC-DES-1, kcv: "8BAF47"}/
        /^  - {name: KMC, version: 2/d'
    change job.yaml "s|module: $module|module: $module, parameters: \"$parameters\"|"
    cards "$1" join
    change batch.txt 's/..$/1 /'
    with_keydata
}

fail()
{
    echo "failed: $*"
    exit 1
}

# expect STATUS COMMAND…: runs it, keeps its streams in out and err.
expect()
{
    due=$1
    shift
    status=0
    "$@" >out 2>err || status=$?
    [ "$status" -eq "$due" ] || {
        echo "$*: exit status $status instead of $due"
        tail -n 20 out err
        exit 1
    }
}

# says TEXT: the last command's standard error holds it.
says()
{
    grep -qF -- "$1" err || fail "the message lacks '$1': $(cat err)"
}

# tells TEXT: the last command's standard output holds it.
tells()
{
    grep -qF -- "$1" out || fail "the output lacks '$1': $(cat out)"
}

# page_agrees COLUMN: docs/TOKENS.md says of each trial in `out` (cardkeys doctor) what it says; COLUMN is the token's.
page_agrees()
{
    sed -nE 's/^(works|refused|REFUSED|UNSAFE|not tried) +([a-z0-9-]+) .*/\2 \1/p' out >trials
    [ "$(wc -l <trials)" -gt 100 ] || fail "no table: $(cat out)"
    while read -r name outcome; do
        row=$(grep -F "| \`$name\` |" "$E2E_SOURCE/docs/TOKENS.md") || fail "docs/TOKENS.md does not know $name"
        cell=$(echo "$row" | cut -d'|' -f"$(($1 + 4))" | tr -d '*')
        case $(echo "$cell" | tr '[:upper:]' '[:lower:]') in
        " $(echo "$outcome" | tr '[:upper:]' '[:lower:]') "*) ;;
        *) fail "docs/TOKENS.md says of $name '$cell', the token is: $outcome" ;;
        esac
    done <trials
}

# one_message: cardprep said one thing about what went wrong, in one line.
one_message()
{
    [ "$(grep -c '^cardprep' err)" -eq 1 ] || fail "not one message: $(cat err)"
}

# nothing_there FILE: neither an output that could be taken for a good one nor the beginning of one.
nothing_there()
{
    for file in "$1" "$1.partial"; do
        [ ! -e "$file" ] || fail "$file is there"
    done
}

# refused STATUS TEXT OUTPUT: the job is refused with one message that names the place, and leaves nothing.
refused()
{
    expect "$1" "$cardprep" run job.yaml
    one_message
    says "$2"
    nothing_there "$3"
}

# accepted FILE [TEXT]: the independent reader finds nothing wrong, and says TEXT.
accepted()
{
    "$reader" demo.keys.json "$1" >reader.out 2>&1 || fail "the reader refuses $1: $(cat reader.out)"
    if [ $# -gt 1 ]; then
        grep -qF -- "$2" reader.out || fail "the reader does not say '$2': $(cat reader.out)"
    fi
    "$cardprep" verify "$1" --signer demo-signer.pem --ca-key ca-key.yaml >verify.out 2>&1 ||
        fail "verify refuses $1: $(cat verify.out)"
}

# same_cards FILE FILE: equal after unwrapping, but for what two runs of one job may differ in.
same_cards()
{
    "$reader" --dump --unwrap --mask demo.keys.json "$1" >dump.1
    "$reader" --dump --unwrap --mask demo.keys.json "$2" >dump.2
    [ -s dump.1 ] || fail "nothing in the dump of $1"
    diff dump.1 dump.2 >dump.diff || fail "$1 and $2 differ: $(head -n 20 dump.diff)"
}

# objects TOKEN: how many objects this token holds, private ones too. For own tokens: pkcs11-tool knows no lock.
objects()
{
    pkcs11-tool --module "$module" --token-label "$1" --login --pin "$(cat pins/issuer.pin)" --list-objects 2>/dev/null |
        grep -c ' Object'
}

# hex_bytes HEX: the bytes themselves.
hex_bytes()
{
    printf %s "$1" | tr a-f A-F | basenc --base16 -d
}

# flip FILE OFFSET: the file with one bit changed, as FILE.flipped.
flip()
{
    cp "$1" "$1.flipped"
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    hex_bytes "$(printf %02x $((byte ^ 1)))" | dd of="$1.flipped" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
