# shellcheck shell=sh
# What the ceremony suites share: a place for a ceremony of the shipped plan, and the people who hold it (ceremony.exp). The
# plan is used as it is shipped: not TEST, PINs in halves, tokens that are not there yet.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

plan=$E2E_SOURCE/config/examples/ceremony/plan.yaml
scheme_ca=$E2E_BUILD/tests/support/scheme_ca
umask 022 # what must not be read by others is so without help

if ! command -v expect >/dev/null 2>&1; then
    echo "no program 'expect' on this machine: skipped"
    exit $skipped
fi

# people ACTION… : COMMAND…: see ceremony.exp.
people()
{
    command expect "$E2E_SOURCE/tests/e2e/ceremony.exp" "$@"
}

# hold FOLDER [SED]: goes to a new folder with the plan and no tokens. Module and plan may be changed.
hold()
{
    mkdir -m 700 "$1" "$1/tokens"
    cd "$1"
    : "${CEREMONY_WORDS:=$PWD/telephone}"
    export CEREMONY_WORDS
    printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n' \
        "$PWD" >softhsm2.conf
    use_tokens "$PWD"
    sed "s|$demo_module|$module|" "$plan" >plan.yaml
    if [ $# -gt 1 ]; then change plan.yaml "$2"; fi
}

# taken_from FOLDER: this case's own copy of a ceremony that another case left there.
taken_from()
{
    cp -rp "$1" hall
    cd hall
    export CEREMONY_WORDS="$PWD/telephone"
    change softhsm2.conf "s|^directories.tokendir.*|directories.tokendir = $PWD/tokens|"
    use_tokens "$PWD"
}

# The site at which cardkeys is called; empty: everything is at one place.
site=''

# to_the_end: the ceremony goes on, and there is nothing more to make.
to_the_end()
{
    expect 0 people : "$cardkeys" run ${site:+--site "$site"} plan.yaml
}

# all_right: verify finds nothing wrong, and no key that the plan does not know.
all_right()
{
    expect 0 people : "$cardkeys" verify ${site:+--site "$site"} plan.yaml
    tells ' 0 wrong'
    tells 'no other key'
}

# as_far_as_planned: all is right but for what the scheme still has to answer.
as_far_as_planned()
{
    expect 3 people : "$cardkeys" verify plan.yaml
    tells 'waits  certificate of issuer-pair: '
    tells ' 0 wrong, 1 waiting'
    [ "$(grep -c 'no other key' out)" -eq 2 ] || fail "other keys: $(cat out)"
}

# the_scheme_answers: a scheme with a key that is not marked TEST signs the request; the answer is brought in.
the_scheme_answers()
{
    [ -e scheme.pem ] || expect 0 "$scheme_ca" key scheme.pem scheme-key.yaml --bits 1984 --expiry 1235
    expect 0 "$scheme_ca" sign scheme.pem issuer-certificate.request.yaml answer
    expect 0 people : "$cardkeys" certificate import plan.yaml answer --ca scheme-key.yaml
}

# unwrapped FILE: its words, however they were broken into lines.
unwrapped()
{
    tr -s ' \r\n' ' ' <"$1"
}

# relates TEXT: it was on the screen.
relates()
{
    unwrapped out | grep -qF -- "$1" || fail "the screen lacks '$1': $(cat out)"
}

# keys_on TOKEN: labels of the keys on it. For tokens of a case's own: pkcs11-tool knows no lock.
keys_on()
{
    pkcs11-tool --module "$module" --token-label "$1" --login --pin 1357246801 --list-objects 2>/dev/null |
        awk '/^[A-Z].* [Oo]bject/ { key = /Key/ } /label:/ && key { print $2 }' | sort -u
}
