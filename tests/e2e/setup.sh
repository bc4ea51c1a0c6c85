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

# The same keys on an NSS database: one token, which holds what the demo keeps on two. KEKs and KMC of the bureau are left out.
setup_nss()
{
    mkdir -m 700 database
    nss_parameters "$tokens"
    "$E2E_BUILD/tests/e2e/make_nss_token" "$module" "$parameters" demo-issuer pins/issuer.pin
    sed "/name: bureau,/d; s/, {bureau: kek-bureau}//; s/\[issuer, bureau\]/[issuer]/
        s|module: $demo_module|module: $module, parameters: \"$parameters\"|; s/, initialise: yes//; s/, so_pin: \"[^\"]*\"//" \
        "$demo/plan.yaml" >plan.yaml
    "$cardkeys" run --yes plan.yaml
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
