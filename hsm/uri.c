/* hsm/uri.c - see uri.h. */
#include "hsm/uri.h"

#include <stdio.h>
#include <string.h>

bool hsm_uri_parse(const char *text, bool object, P11KitUri **out, struct err *err)
{
    P11KitUriType type =
        object ? P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE : P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE;
    P11KitUri *uri = p11_kit_uri_new();
    if (!uri) return err_set_no_memory(err);
    int rc = p11_kit_uri_parse(text, type, uri);
    if (rc != P11_KIT_URI_OK) {
        p11_kit_uri_free(uri);
        return err_set(err, ERR_CONFIG, "'%s' is no PKCS#11 URI (RFC 7512): %s", text,
                       p11_kit_uri_message(rc));
    }
    if (p11_kit_uri_any_unrecognized(uri)) {
        p11_kit_uri_free(uri);
        return err_set(err, ERR_CONFIG, "PKCS#11 URI '%s' has a part that is not known", text);
    }
    if (p11_kit_uri_get_pin_value(uri)) {
        p11_kit_uri_free(uri);
        return err_set(err, ERR_CONFIG,
                       "a PKCS#11 URI here may not hold a PIN: remove pin-value, name a PIN source");
    }
    *out = uri;
    return true;
}

/* p11-kit marks what a URI leaves out by a zero first byte. */
static bool names_token(P11KitUri *uri)
{
    const CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
    return info->label[0] || info->serialNumber[0] || info->model[0] || info->manufacturerID[0];
}

bool hsm_uri_check(const char *uri, bool object, struct err *err)
{
    P11KitUri *parsed = NULL;
    CK_ULONG attributes = 0;
    if (!hsm_uri_parse(uri, object, &parsed, err)) return false;
    if (object) p11_kit_uri_get_attributes(parsed, &attributes);
    bool ok = object ? attributes > 0 : names_token(parsed);
    p11_kit_uri_free(parsed);
    if (!ok)
        return err_set(err, ERR_CONFIG, "PKCS#11 URI '%s' names no %s", uri,
                       object ? "object: give object= or id=" : "token: give token= or serial=");
    return true;
}

bool hsm_selector_init(struct hsm_selector *s, const struct hsm_token_choice *choice, struct err *err)
{
    *s = (struct hsm_selector){choice, NULL, choice->module};
    if (!choice->uri && !choice->label && !choice->serial)
        return err_set(err, ERR_CONFIG, "no token is named: give its label, serial number or URI");
    if (choice->uri) {
        if (!hsm_uri_check(choice->uri, false, err)) return false;
        if (!hsm_uri_parse(choice->uri, false, &s->uri, err)) return false;
        if (!s->module) s->module = p11_kit_uri_get_module_path(s->uri);
    }
    if (!s->module) {
        hsm_selector_release(s);
        return err_set(err, ERR_CONFIG,
                       "no PKCS#11 module is named: give its path, or module-path= in the URI");
    }
    return true;
}

void hsm_selector_release(struct hsm_selector *s)
{
    if (s->uri) p11_kit_uri_free(s->uri);
    s->uri = NULL;
}

void hsm_unpad(char *text, size_t text_size, const unsigned char *field, size_t field_len)
{
    size_t len = field_len;
    while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == 0))
        len--;
    if (len >= text_size) len = text_size - 1;
    memcpy(text, field, len);
    text[len] = 0;
}

bool hsm_selector_fits(const struct hsm_selector *s, const CK_TOKEN_INFO *info)
{
    char label[33], serial[17];
    hsm_unpad(label, sizeof label, info->label, sizeof info->label);
    hsm_unpad(serial, sizeof serial, info->serialNumber, sizeof info->serialNumber);
    if (s->choice->label && strcmp(s->choice->label, label) != 0) return false;
    if (s->choice->serial && strcmp(s->choice->serial, serial) != 0) return false;
    return !s->uri || p11_kit_uri_match_token_info(s->uri, info);
}

void hsm_token_choice_name(const struct hsm_token_choice *choice, char *text, size_t size)
{
    struct err ignored = ERR_INIT;
    P11KitUri *uri = NULL;
    char label[33] = "";
    if (choice->label) {
        snprintf(text, size, "token '%s'", choice->label);
        return;
    }
    if (choice->uri && hsm_uri_parse(choice->uri, false, &uri, &ignored)) {
        const CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
        if (info->label[0]) hsm_unpad(label, sizeof label, info->label, sizeof info->label);
        p11_kit_uri_free(uri);
    }
    if (label[0])
        snprintf(text, size, "token '%s'", label);
    else if (choice->serial)
        snprintf(text, size, "token with serial number '%s'", choice->serial);
    else
        snprintf(text, size, "token '%s'", choice->uri ? choice->uri : "?");
}
