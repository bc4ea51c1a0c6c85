#!/bin/sh
# setup.sh KIND: tokens of this kind with the demo's TEST keys, made by cardkeys. Other suites only read them.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

setup_softhsm()
{
    printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n' \
        "$tokens" >softhsm2.conf
    use_tokens "$tokens"
    sed "s|$demo_module|$module|" "$demo/plan.yaml" >plan.yaml
    "$cardkeys" run --yes plan.yaml
    cp -r tokens untouched # for cases that want tokens of their own: nobody opens these
}

kind=$1
tokens=$E2E_WORK/$kind
if ! module=$("${kind}_module"); then
    echo "no PKCS#11 module of $kind on this machine: skipped"
    exit $skipped
fi
rm -rf "$tokens"
mkdir -p "$tokens/tokens" "$tokens/pins"
chmod 700 "$tokens" "$tokens/tokens" "$tokens/pins"
cd "$tokens"
cp -r "$E2E_SOURCE/config/examples/profiles" .
umask 077
for token in issuer bureau; do
    echo 12345678 >"pins/$token.pin"
    echo 87654321 >"pins/$token.so-pin"
done
"setup_$kind"
touch ready
