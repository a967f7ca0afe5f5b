# shellcheck shell=bash
# What the scripts of this folder share; sourced, never run. Callers have set `-euo pipefail`.
# Exit codes: 1 = could not be done, 2 = used wrongly. Either leaves one line on standard error.

umask 077
export LC_ALL=C TZ=UTC

# When a TLS certificate ends, how long a receipt's certificate can be checked, and the authority's own life: days.
# A receipt is evidence for years, so its certificate outlives many TLS certificates.
tls_days=397
receipt_days=3650
authority_days=7300

program=certs/${0##*/}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
profiles=$here/profiles
staging=

wrong() { printf '%s: %s\n' "$program" "$1" >&2; exit 2; }
failed() { printf '%s: %s\n' "$program" "$1" >&2; exit 1; }

# Runs openssl and shows what it said only if it failed: its progress dots are noise.
openssl_quietly() {
    local said
    said=$(openssl "$@" 2>&1 </dev/null) || failed "openssl $1 failed: $(tail -n 1 <<<"$said")"
}

# open_authority DIR: checks that DIR is an authority, sets `dir` to its absolute path, and takes its lock until exit.
open_authority() {
    [[ -d $1 ]] || wrong "no folder '$1'; make the authority first: certs/authority '$1'"
    dir=$(cd -- "$1" && pwd)
    [[ -f $dir/ca.pem && -f $dir/ca.key && -f $dir/registry.tsv ]] ||
        wrong "'$1' is not an authority (ca.pem, ca.key and registry.tsv); make it first: certs/authority '$1'"
    lock
}

lock() {
    exec 9>>"$dir/.lock"
    flock 9
    trap 'if [[ -n $staging ]]; then rm -rf -- "$staging"; fi' EXIT
}

# read_identity KIND [NAME] …: checks kind and name; sets `uri`, `place` (folder below DIR), `subject`, `label`,
# `profile`, `receipts` (yes|no) and `taken` (how many arguments it read).
read_identity() {
    local kind=${1-} name=${2-}
    taken=2 receipts=no profile=client.cnf
    case $kind in
        hub) taken=1 name='' receipts=yes profile=server.cnf ;;
        node)
            [[ $name =~ ^IR-([012][0-9]|30)$ ]] || wrong "'$name' is no province code (IR-00 to IR-30)"
            receipts=yes profile=server.cnf ;;
        ministry)
            [[ $name =~ ^[A-Z][A-Z0-9-]{1,31}$ ]] ||
                wrong "'$name' is no ministry code (2 to 32 of A-Z, 0-9 and -, a letter first), such as SAMT" ;;
        operator)
            [[ $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] ||
                wrong "'$name' is no operator name (at most 64 of A-Z, a-z, 0-9, '.', '_' and '-')" ;;
        *) wrong "'$kind' is no kind; use: node CODE, hub, ministry CODE, operator NAME" ;;
    esac
    # shellcheck disable=SC2034  # `subject` and `label` are read by the scripts
    place=$kind${name:+/$name} label=$kind${name:+ $name}
    uri=spiffe://peyvand/$place subject="/O=Peyvand/CN=$label"
}

# host_name TEXT: prints it as a subjectAltName entry; refuses what is neither a DNS name nor an IP address.
host_name() {
    local text=$1 part groups=0 number
    if [[ $text =~ ^[0-9.]+$ ]]; then
        [[ $text =~ ^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$ ]] || wrong "'$text' is no IPv4 address"
        for number in "${BASH_REMATCH[@]:1}"; do
            ((10#$number <= 255)) || wrong "'$text' is no IPv4 address"
        done
        printf 'IP:%s' "$text"
    elif [[ $text == *:* ]]; then
        [[ $text =~ ^[0-9A-Fa-f:]+$ && $text != *:::* && ${text/::/} != *::* ]] || wrong "'$text' is no IPv6 address"
        [[ $text != :[!:]* && $text != *[!:]: ]] || wrong "'$text' is no IPv6 address"
        for part in ${text//:/ }; do
            ((${#part} <= 4)) || wrong "'$text' is no IPv6 address"
            groups=$((groups + 1))
        done
        if [[ $text == *::* ]]; then ((groups < 8)); else ((groups == 8)); fi || wrong "'$text' is no IPv6 address"
        printf 'IP:%s' "$text"
    else
        [[ ${#text} -le 253 && $text =~ ^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$ ]] ||
            wrong "'$text' is neither a host name nor an IP address"
        printf 'DNS:%s' "${text,,}"
    fi
}

# read_options …: what issue and renew take after the identity; sets `hosts` (subjectAltName entries), `days`,
# `request` (folder with certificate requests, or empty) and `receipt_too`.
read_options() {
    local entry
    hosts=() days='' request='' receipt_too=no
    while (($# > 0)); do
        case $1 in
            --days)
                [[ ${2-} =~ ^[1-9][0-9]{0,3}$ ]] || wrong "--days wants 1 to 9999, not '${2-}'"
                days=$2; shift 2 ;;
            --host)
                [[ $profile == server.cnf ]] || wrong "only a hub or a node answers under a --host; $label does not"
                entry=$(host_name "${2-}") || exit 2
                hosts+=("$entry"); shift 2 ;;
            --request)
                [[ -f ${2-}/cert.csr ]] || wrong "--request wants a folder that certs/request filled, not '${2-}'"
                request=$(cd -- "$2" && pwd); shift 2 ;;
            --receipt)
                [[ $program == certs/renew ]] || wrong "--receipt belongs to certs/renew"
                [[ $receipts == yes ]] || wrong "$label has no receipt key"
                receipt_too=yes; shift ;;
            *) wrong "'$1' is not understood; see certs/README.md" ;;
        esac
    done
}

# names: the subjectAltName of a TLS certificate: the one URI, then each machine name once.
names() {
    local list=URI:$uri entry
    if [[ $profile == server.cnf ]]; then
        for entry in DNS:localhost IP:127.0.0.1 IP:::1 ${hosts[@]+"${hosts[@]}"}; do
            [[ ,$list, == *",$entry,"* ]] || list+=,$entry
        done
    fi
    printf '%s' "$list"
}

# sign PROFILE CERT KEY CSR DAYS ALGORITHM…: makes a certificate in the staging folder, with a new key or for a
# request. Of a request only the public key is taken, and only if its signature and its subject are right.
sign() {
    local with=$1 cert=$staging/$2 key=$staging/$3 csr=$4 life=$5
    shift 5
    local source=(-newkey "$@" -noenc -keyout "$key")
    if [[ -n $request ]]; then
        [[ -f $request/$csr ]] || failed "no '$csr' in '$request'; make it with certs/request"
        check_request "$request/$csr" "$1"
        source=(-in "$request/$csr")
    fi
    openssl_quietly req -x509 -config "$profiles/$with" -subj "$subject" -sha256 -days "$life" \
        -CA "$dir/ca.pem" -CAkey "$dir/ca.key" "${source[@]}" -out "$cert"
    chmod 644 "$cert"
}

check_request() {
    local found wanted
    # openssl 3.0 exits 0 although the signature is wrong; only its words tell.
    found=$(openssl req -in "$1" -noout -verify 2>&1 </dev/null) && [[ $found == *'verify OK'* ]] ||
        failed "'$1' is no certificate request, or is not signed by its own key"
    found=$(openssl req -in "$1" -noout -subject -nameopt RFC2253)
    [[ $found == "subject=CN=$label,O=Peyvand" ]] || failed "'$1' asks for '${found#subject=}', not for $label"
    wanted='ASN1 OID: prime256v1'
    [[ $2 == ec ]] || wanted='ED25519 Public-Key'
    found=$(openssl req -in "$1" -noout -text)
    [[ $found == *"$wanted"* ]] || failed "'$1' holds another kind of key than certs/request makes"
}

sign_tls() {
    PEYVAND_SAN=$(names)
    export PEYVAND_SAN
    sign "$profile" cert.pem key.pem cert.csr "${days:-$tls_days}" ec -pkeyopt ec_paramgen_curve:P-256
    if [[ $profile == server.cnf ]]; then
        cat -- "$staging/cert.pem" "$dir/ca.pem" >"$staging/chain.pem"
        chmod 644 "$staging/chain.pem"
    fi
}

# A receipt's certificate ends no sooner than the TLS certificate, whatever --days says.
sign_receipt() {
    export PEYVAND_SAN=URI:$uri
    sign receipt.cnf receipt.pem receipt.key receipt.csr \
        $((${days:-0} > receipt_days ? days : receipt_days)) ed25519
}

# describe CERT: sets `fingerprint`, `serial` (both lower-case hex) and `not_after` (RFC 3339, UTC).
describe() {
    local lines
    mapfile -t lines < <(openssl x509 -in "$1" -noout -fingerprint -sha256 -serial -enddate -dateopt iso_8601)
    ((${#lines[@]} == 3)) || failed "'$1' is not a certificate that openssl can read"
    fingerprint=${lines[0]#*=} fingerprint=${fingerprint//:/} fingerprint=${fingerprint,,}
    serial=${lines[1]#*=} serial=${serial,,}
    not_after=${lines[2]#*=} not_after=${not_after/ /T}
}

now() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

# replace_registry FILE: puts a complete new registry in place at once; a reader sees the old one or the new one.
replace_registry() {
    chmod 644 "$1"
    sync "$1"
    mv -f -- "$1" "$dir/registry.tsv"
}

# register CERT USE: adds the certificate to the registry as valid, unless it is there already, and says so.
register() {
    local state
    describe "$1"
    state=$(awk -F '\t' -v f="$fingerprint" '$1 == f { print $5 }' "$dir/registry.tsv")
    if [[ -z $state ]]; then
        cp -- "$dir/registry.tsv" "$dir/.registry.new"
        printf '%s\t%s\t%s\t%s\tvalid\t%s\t%s\n' \
            "$fingerprint" "$uri" "$serial" "$not_after" "$(now)" "$2" >>"$dir/.registry.new"
        replace_registry "$dir/.registry.new"
        state=valid
        printf '%s\t%s\t%s\tserial %s\tuntil %s\n' "$label" "$2" "$fingerprint" "$serial" "$not_after"
    else
        printf '%s\t%s\t%s\tis there already, %s until %s\n' "$label" "$2" "$fingerprint" "$state" "$not_after"
    fi
    [[ $state == valid ]] || failed "that certificate is revoked; make a new one: certs/renew DIR $label"
}
