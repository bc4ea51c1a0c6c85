# The Debian package: `cpack -G DEB` in a build tree of the release preset; scripts/check-package tries the result.
set(CPACK_PACKAGE_NAME cardprep)
set(CPACK_PACKAGE_VENDOR "cardprep maintainers")
set(CPACK_PACKAGE_CONTACT "cardprep maintainers <maintainers@cardprep.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "prepare smart card records with keys that never leave the token")
set(CPACK_PACKAGE_DESCRIPTION
    "cardprep turns an issuer's card records into one sealed file for the bureau that
makes the cards: it derives each card's keys inside a PKCS#11 token, makes and
certifies the card's key pair, wraps every secret under the bureau's key and
seals each record. cardkeys holds the key ceremonies for that from one plan;
cardbureau checks the sealed file at the bureau and makes its cards.")
set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS softhsm2)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS opensc)
include(CPack)
