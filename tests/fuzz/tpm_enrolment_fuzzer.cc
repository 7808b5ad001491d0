// Keys as operators hand them in: any bytes are refused with one finding, or read as the same key again; what says itself which kind it
// is is no key of the other kind.
#include "base/bug.h"
#include "codec/pem.h"
#include "evidence/tpm/enrolment.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay {
namespace {

using tpm::TpmKeyKind;

Bytes Pem(std::string_view label, ByteView der) { return ToBytes(AsBytes(codec::EncodePem(label, der))); }

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  const softtee::TpmPki& pki = softtee::TpmPki::Shared();
  const Bytes certificate = softtee::MintEkCertificate(pki, pki.rsa_ek), spki = pki.p256_ak.SubjectPublicKeyInfo();
  return {softtee::AkOf(pki.p256_ak).Tpm2b(),
          softtee::AkOf(pki.rsa_ak).Tpm2b(),
          softtee::EkOf(pki.rsa_ek).Tpm2b(),
          softtee::EkOf(pki.p256_ek).Tpm2b(),
          spki,
          certificate,
          Pem("PUBLIC KEY", spki),
          Pem("CERTIFICATE", certificate)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto plain = tpm::ReadKeyToEnrol(bytes, std::nullopt), ak = tpm::ReadKeyToEnrol(bytes, TpmKeyKind::kAttestation),
             ek = tpm::ReadKeyToEnrol(bytes, TpmKeyKind::kEndorsement);
  for (const auto* read : {&plain, &ak, &ek}) {
    if (*read) {
      ASSAY_CHECK((*read)->name.empty() || (*read)->name.size() > 20);
      continue;
    }
    ASSAY_CHECK(read->findings().size() == 1 && read->findings().front().reason == Reason::kRequestFieldInvalid &&
                !read->findings().front().expected.empty());
  }
  if (plain) {
    ASSAY_CHECK(ak.ok() != ek.ok());
    const auto& same = ak ? ak : ek;
    ASSAY_CHECK(same->kind == plain->kind && same->spki_sha256 == plain->spki_sha256 && same->name == plain->name);
  } else if (ak) {
    ASSAY_CHECK(ek.ok() && ak->spki_sha256 == ek->spki_sha256 && ak->name.empty());  // a bare public key
  }
  return 0;
}

}  // namespace assay
