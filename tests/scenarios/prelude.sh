# Before every command. Given: ASSAY, SOFTTEE, PKI, POLICIES and, if they are there, VECTORS.
export AT=2026-11-24T02:00:00Z
REPORT_DATA=$(printf 'a5%.0s' $(seq 64))
ANCHORS=$PKI/anchors.yaml

assay() { "$ASSAY" "$@"; }
# Evidence of the software TEE in ./ev: report.bin, cert_table.bin and each certificate as DER.
mint() { "$SOFTTEE" snp --pki "$PKI" --report-data "$REPORT_DATA" --at "$AT" --out ev "$@" || exit 99; }
# With the anchors, the policy and the time that this evidence was minted for.
verify() { "$ASSAY" verify --insecure-test-anchors "$ANCHORS" --policy "$POLICIES/simulated.yaml" --at "$AT" "$@"; }
# A firmware image of two pages below 4 GiB, its TDX metadata at its end: they are measured, and one more page of stack is added.
firmware() {
  head -c 8040 /dev/zero
  printf 'TDVF\120\0\0\0\1\0\0\0\2\0\0\0'
  printf '\0\0\0\0\0\40\0\0\0\340\377\377\0\0\0\0\0\40\0\0\0\0\0\0\0\0\0\0\1\0\0\0'
  printf '\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\20\0\0\0\0\0\0\3\0\0\0\0\0\0\0'
  printf '\230\0\0\0\26\0\65\145\172\344\112\230\230\107\206\136\106\205\247\277\216\302'
  printf '\50\0\336\202\265\226\262\37\367\105\272\352\243\146\305\132\10\55'
  head -c 32 /dev/zero
}
# The same for SEV-SNP: one page, whose metadata ask for memory, secrets, CPUID and kernel hashes.
sev_firmware() {
  head -c 3912 /dev/zero
  printf 'ASEV@\0\0\0\1\0\0\0\4\0\0\0'
  printf '\0\0\200\0\0\20\0\0\1\0\0\0\0\320\200\0\0\20\0\0\2\0\0\0\0\340\200\0\0\20\0\0\3\0\0\0\0\0\201\0\0\20\0\0\20\0\0\0'
  printf '\0\14\201\0\0\4\0\0\32\0\037\67Ur;:\4K\222{\35\246\357\250\324T'
  printf '\4\260\200\0\26\0\336q\367\0~\32\313O\211\16h\307~/\264N'
  printf '\270\0\0\0\26\0fe\210\334J\230\230G\247^U\205\247\277g\314'
  printf 'X\0\336\202\265\226\262\37\367E\272\352\243f\305Z\10-'
  head -c 32 /dev/zero
}
# The same for TDX in ./td: quote.bin beside Intel's collateral for it, which a directory of its own takes.
mint_td() { "$SOFTTEE" dcap --pki "$PKI" --report-data "$REPORT_DATA" --at "$AT" --out td "$@" && mkdir -p intel && mv td/*.json td/*.pem td/*.der intel || exit 99; }
verify_td() { "$ASSAY" verify --insecure-test-anchors "$ANCHORS" --policy "$POLICIES/simulated_tdx.yaml" --at "$AT" "$@"; }
# The same for Azure in ./az: every item, and the anchors of that run.
NONCE=5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
mint_azure() { "$SOFTTEE" azure --pki "$PKI" --nonce "$NONCE" --at "$AT" --out az "$@" || exit 99; }
verify_azure() { tee=$1; shift; "$ASSAY" verify az/*.[0-9]* --insecure-test-anchors az/anchors.yaml --policy "$POLICIES/simulated_azure_$tee.yaml" --at "$AT" "$@"; }
# A document of AWS Nitro in ./nitro: document.cbor.
mint_nitro() { "$SOFTTEE" nitro --pki "$PKI" --nonce "$NONCE" --at "$AT" --out nitro "$@" || exit 99; }
verify_nitro() { "$ASSAY" verify --insecure-test-anchors "$ANCHORS" --at "$AT" nitro/document.cbor "$@"; }
# A machine of Google's in ./gce: its items, the transcript that they answer, the anchors of this run.
mint_gce() { "$SOFTTEE" gce --pki "$PKI" --at "$AT" --out gce "$@" || exit 99; }
verify_gce() { "$ASSAY" verify --insecure-test-anchors gce/anchors.yaml --at "$AT" "$@"; }
