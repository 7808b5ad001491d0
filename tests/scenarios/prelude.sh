# Before every command. Given: ASSAY, SOFTTEE, PKI, POLICIES and, if they are there, VECTORS.
export AT=2026-11-24T02:00:00Z
REPORT_DATA=$(printf 'a5%.0s' $(seq 64))
ANCHORS=$PKI/anchors.yaml

assay() { "$ASSAY" "$@"; }
# Evidence of the software TEE in ./ev: report.bin, cert_table.bin and each certificate as DER.
mint() { "$SOFTTEE" snp --pki "$PKI" --report-data "$REPORT_DATA" --at "$AT" --out ev "$@" || exit 99; }
# With the anchors, the policy and the time that this evidence was minted for.
verify() { "$ASSAY" verify --insecure-test-anchors "$ANCHORS" --policy "$POLICIES/simulated.yaml" --at "$AT" "$@"; }
