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

# The same keys on an NSS database: one token, which holds what the demo keeps on two. KEKs, KMC and signing pair of the bureau are left out.
setup_nss()
{
    mkdir -m 700 database
    nss_parameters "$tokens"
    "$E2E_BUILD/tests/e2e/make_nss_token" "$module" "$parameters" demo-issuer pins/issuer.pin
    plan_on_one_token
    change plan.yaml "s|module: $module|module: $module, parameters: \"$parameters\"|; s/, initialise: yes//; s/, so_pin: \"[^\"]*\"//"
    # A KMC for cards with TDES, which only this token can wrap under: the well-known 40…4F as two components.
    sed -i '/^keys:/a\
  - name: KMC-DES\
    version: 1\
    role: master\
    algorithm: des2\
    method: kmc-visa2\
    tokens: [issuer]\
    kcv: "8BAF47"\
    components:\
      - {custodian: TEST custodian 1, test: "1F2E3D4C5B6A798897A6B5C4D3E2F100"}\
      - {custodian: TEST custodian 2, test: "5F6F7F0F1F2F3FCFDFEFFF8F9FAFBF4F"}' plan.yaml
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
for token in issuer bureau supplier; do
    echo 12345678 >"pins/$token.pin"
    echo 87654321 >"pins/$token.so-pin"
done
"setup_$kind"
touch ready
