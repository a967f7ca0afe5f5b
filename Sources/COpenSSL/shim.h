#ifndef PEYVAND_COPENSSL_SHIM_H
#define PEYVAND_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Function-like macros around SSL_CTX_ctrl and SSL_ctrl, which Swift cannot import.
static inline int peyvand_ssl_ctx_set_min_proto(SSL_CTX *ctx, int version) {
    return SSL_CTX_set_min_proto_version(ctx, version);
}
static inline int peyvand_ssl_ctx_set_max_proto(SSL_CTX *ctx, int version) {
    return SSL_CTX_set_max_proto_version(ctx, version);
}
static inline long peyvand_ssl_ctx_set_mode(SSL_CTX *ctx, long mode) { return SSL_CTX_set_mode(ctx, mode); }
static inline long peyvand_ssl_ctx_set_session_cache_mode(SSL_CTX *ctx, long mode) {
    return SSL_CTX_set_session_cache_mode(ctx, mode);
}
static inline long peyvand_ssl_ctx_set_groups(SSL_CTX *ctx, const char *groups) {
    return SSL_CTX_set1_groups_list(ctx, groups);
}
static inline long peyvand_ssl_ctx_set_max_cert_list(SSL_CTX *ctx, long bytes) {
    return SSL_CTX_set_max_cert_list(ctx, bytes);
}
static inline long peyvand_ssl_set_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name);
}
static inline long peyvand_bio_mem_data(BIO *bio, char **data) { return BIO_get_mem_data(bio, data); }

// A BIO_s_mem that says "retry" instead of "end of file" when it is empty; the setter is a macro.
static inline BIO *peyvand_bio_new_mem(void) {
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio != NULL) BIO_set_mem_eof_return(bio, -1);
    return bio;
}

// Constants that are casts or shifted macros.
static inline uint64_t peyvand_ssl_op_no_ticket(void) { return SSL_OP_NO_TICKET; }
static inline uint64_t peyvand_ssl_op_no_renegotiation(void) { return SSL_OP_NO_RENEGOTIATION; }
static inline uint64_t peyvand_ssl_op_no_compression(void) { return SSL_OP_NO_COMPRESSION; }
static inline uint64_t peyvand_ssl_op_server_preference(void) { return SSL_OP_CIPHER_SERVER_PREFERENCE; }

// The safe-stack accessors are macros over generated inline functions with function-pointer casts.
static inline int peyvand_general_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

// The URI in the name at `index`, or NULL when that name is of another type. The bytes belong to `names`.
static inline const unsigned char *peyvand_general_name_uri(const GENERAL_NAMES *names, int index, int *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name == NULL || name->type != GEN_URI) return NULL;
    *length = ASN1_STRING_length(name->d.uniformResourceIdentifier);
    return ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
}

#endif
