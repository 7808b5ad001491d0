# Before every command. Given: ASSAY, ASSAYD, SOFTTEE, PKI, POLICIES, SOURCE and, if they are there, VECTORS.
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
# COCONUT-SVSM as an image of its own: one page, whose metadata ask for CPUID and secrets, and which starts at its byte 512.
svsm_image() {
  head -c 3962 /dev/zero
  printf 'ASEV(\0\0\0\1\0\0\0\2\0\0\0'
  printf '\0\220\0\0\0\20\0\0\3\0\0\0\0\240\0\0\0\20\0\0\2\0\0\0'
  printf '\0\2\0\0\26\0\22\246\211\247\227\5KL\244\237\313\261\376\235\35\335'
  printf '\x86\0\0\0\26\0fe\210\334J\230\230G\247^U\205\247\277g\314'
  printf '>\0\336\202\265\226\262\37\367E\272\352\243f\305Z\10-'
  head -c 32 /dev/zero
}
# An IGVM file for SEV-SNP: two pages of content, one of zeros, secrets, CPUID, two of parameters, the state of one processor at $1,
# and, if $2 is not empty, an ID block that demands that measurement.
igvm_file() {
  python3 - "$1" "${2:-}" <<'END'
import struct, sys, zlib
vmsa, demanded = int(sys.argv[1], 0), bytes.fromhex(sys.argv[2])
headers, data = [(0x001, struct.pack('<IBBHQ', 1, 0, 2, 1, 0), None), (0x101, struct.pack('<QII', 0x30000, 1, 0), None)], b''
page = lambda gpa, kind, content: headers.append((0x302, struct.pack('<QIIIHH', gpa, 1, 0, 0, kind, 0), content))
page(0x8000, 0, b'\xa1' * 4096), page(0x9000, 0, b'\xa2' * 4096), page(0xa000, 0, None), page(0xb000, 1, None), page(0xc000, 2, None)
headers.append((0x301, struct.pack('<QII', 0x2000, 0, 0), None))
headers.append((0x303, struct.pack('<QII', 0x10000, 1, 0), None))
headers.append((0x304, struct.pack('<QIIHH', vmsa, 1, 0, 0, 0), (b'\0' * 0x3b0 + b'\1').ljust(4096, b'\0')))
if demanded: headers.append((0x30b, (struct.pack('<II', 1, 0) + demanded + b'\xfa' * 16 + b'\x1a' * 16 + struct.pack('<II', 1, 7)).ljust(696, b'\0'), None))
begin = 24 + sum(8 + (len(content) + 7) // 8 * 8 for _, content, _ in headers)
variable = b''
for kind, content, behind in headers:
  if behind: content, data = content[:12] + struct.pack('<I', begin + len(data)) + content[16:], data + behind
  variable += struct.pack('<II', kind, len(content)) + content.ljust((len(content) + 7) // 8 * 8, b'\0')
fixed = lambda checksum: b'IGVM' + struct.pack('<IIIII', 1, 24, len(variable), begin + len(data), checksum)
sys.stdout.buffer.write(fixed(zlib.crc32(fixed(0) + variable)) + variable + data)
END
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
# Drafts ours.yaml and ours-images.yaml, lets the loader take them and the same evidence pass them; its arguments are those of verify.
draft_and_pass() {
  assay policy from-evidence --at "$AT" --to . --name ours "$@" >drafted && assay policy lint ours.yaml ours-images.yaml &&
  assay verify --at "$AT" --policy ours.yaml --policy ours-images.yaml "$@" | head -1
}
# assayd in this directory, with the policies in ./policies, else those of the demonstration, and the anchors of the software TEE; a second time at the same address.
# Ends with the command. Gives SERVER, the arguments of an operator's commands, JOIN, the address for nodes, and SERVED, its process.
serve() {
  if [ ! -e assayd.yaml ]; then
    "$SOFTTEE" tls --dir tls >/dev/null && { [ -d policies ] || cp -r "$SOURCE/deploy/demo/policies" .; } || exit 99
    cat >assayd.yaml <<'END'
join: {address: "127.0.0.1:0", tls: {certificate: tls/server.pem, key: tls/server.key}}
operator:
  address: "127.0.0.1:0"
  tls: {certificate: tls/server.pem, key: tls/server.key}
  client_ca: tls/ca.pem
  roles: [{identity: "spiffe://dev.assay/operator/operator", role: operator}]
store: {path: assay.db}
policies: [policies]
challenges: {key_file: challenge.key}
tokens: {issuer: "https://assay.example", key_file: token.key}
END
  fi
  rm -f ready
  "$ASSAYD" run --config assayd.yaml --insecure-test-anchors "$ANCHORS" --ready-file ready >>assayd.log 2>&1 &
  SERVED=$!
  trap 'kill $SERVED 2>/dev/null' EXIT
  until_there operator= ready
  local join operator
  join=$(grep -o 'join=[0-9.:]*' ready) operator=$(grep -o 'operator=[0-9.:]*' ready)
  JOIN="localhost:${join##*:}"
  SERVER="--server localhost:${operator##*:} --ca tls/ca.pem --cert tls/operator.pem --key tls/operator.key"
  sed -i "/^operator/,/address/s/127.0.0.1:0/127.0.0.1:${operator##*:}/" assayd.yaml
}
# Waits until the file has that text.
until_there() {
  for _ in $(seq 200); do grep -q -- "$1" "$2" 2>/dev/null && return; sleep 0.1; done
  echo "no '$1' in $2:" >&2; cat "$2" >&2; exit 97
}
# A sound machine of the software TEE joins under that name; prints the id of its verdict.
join_as() {
  assay attest --server "$JOIN" --ca tls/ca.pem --cluster demo --role worker --name "$1" --simulate "$PKI" >joined 2>join_errors
  sed -n 's/^verdict id *//p' joined
}
