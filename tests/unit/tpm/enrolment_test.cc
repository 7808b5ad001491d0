// Keys as operators hand them in.
#include "evidence/tpm/enrolment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/pem.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::tpm {
namespace {

using enum TpmKeyKind;
using softtee::TpmPki;

const TpmPki& Pki() { return TpmPki::Shared(); }
Bytes Pem(std::string_view label, ByteView der) { return ToBytes(AsBytes(codec::EncodePem(label, der))); }
std::string Why(ByteView bytes, std::optional<TpmKeyKind> kind = {}) {
  const auto read = ReadKeyToEnrol(bytes, kind);
  if (read) return "";
  EXPECT_EQ(read.findings().front().reason, Reason::kRequestFieldInvalid);
  return Cat(read.findings().front().expected, " / ", read.findings().front().actual);
}

TEST(KeyToEnrol, ComesInEveryFormThatToolsWrite) {
  const Bytes ak = softtee::AkOf(Pki().p256_ak).Tpm2b(), ek = softtee::EkOf(Pki().rsa_ek).Tpm2b(),
              ek_spki = Pki().rsa_ek.SubjectPublicKeyInfo(), ak_spki = Pki().p256_ak.SubjectPublicKeyInfo();
  const Bytes certificate = softtee::MintEkCertificate(Pki(), Pki().rsa_ek);
  struct Case {
    Bytes bytes;
    std::optional<TpmKeyKind> asked;
    TpmKeyKind kind;
    const Bytes& spki;
    bool named;
  };
  for (const Case& c :
       {Case{ak, {}, kAttestation, ak_spki, true}, Case{ak, kAttestation, kAttestation, ak_spki, true},
        Case{ek, {}, kEndorsement, ek_spki, true}, Case{ek_spki, kEndorsement, kEndorsement, ek_spki, false},
        Case{Pem("PUBLIC KEY", ek_spki), kEndorsement, kEndorsement, ek_spki, false},
        Case{Pem("PUBLIC KEY", ak_spki), kAttestation, kAttestation, ak_spki, false}, Case{certificate, {}, kEndorsement, ek_spki, false},
        Case{Pem("CERTIFICATE", certificate), kEndorsement, kEndorsement, ek_spki, false}}) {
    const auto read = ReadKeyToEnrol(c.bytes, c.asked);
    ASSERT_TRUE(read.ok()) << Why(c.bytes, c.asked);
    EXPECT_EQ(read->kind, c.kind);
    EXPECT_EQ(read->spki_sha256, crypto::Sha256(c.spki));
    EXPECT_EQ(read->name.empty(), !c.named);
  }
  EXPECT_EQ(ReadKeyToEnrol(ak, {})->name, softtee::AkOf(Pki().p256_ak).Name());
}

TEST(KeyToEnrol, WhatIsNoKeyOfATpmIsRefused) {
  const Bytes ak = softtee::AkOf(Pki().p256_ak).Tpm2b(), spki = Pki().p256_ak.SubjectPublicKeyInfo(),
              certificate = softtee::MintEkCertificate(Pki(), Pki().rsa_ek);
  Bytes cut(ak.begin(), ak.end() - 1), longer = ak, two = Pem("CERTIFICATE", certificate), cut_pem = Pem("PUBLIC KEY", spki);
  longer.push_back(0);
  Append(two, Pem("CERTIFICATE", certificate));
  cut_pem.resize(cut_pem.size() / 2);
  softtee::TpmPublic unrestricted = softtee::AkOf(Pki().p256_ak), movable = softtee::EkOf(Pki().rsa_ek),
                     sha1 = softtee::AkOf(Pki().p256_ak), no_aes = softtee::EkOf(Pki().rsa_ek);
  unrestricted.attributes &= ~(1U << 16);
  movable.attributes &= ~(1U << 1);
  sha1.name_algorithm = softtee::kTpmSha1;
  no_aes.symmetric = 0x0010;
  struct Case {
    std::string_view what;
    Bytes bytes;
    std::optional<TpmKeyKind> kind = {};
  };
  for (const Case& c : {Case{"nothing", {}},
                        Case{"too much", Bytes(kMaxKeyFile + 1, 0x30)},
                        Case{"garbage", Bytes(300, 0x41)},
                        Case{"zeros", Bytes(300, 0)},
                        Case{"cut", cut},
                        Case{"longer", longer},
                        Case{"an unrestricted AK", unrestricted.Tpm2b()},
                        Case{"an EK that can leave", movable.Tpm2b()},
                        Case{"SHA-1", sha1.Tpm2b()},
                        Case{"no AES", no_aes.Tpm2b()},
                        Case{"a key of no kind", spki},
                        Case{"the same as PEM", Pem("PUBLIC KEY", spki)},
                        Case{"an AK as EK", ak, kEndorsement},
                        Case{"an EK certificate as AK", certificate, kAttestation},
                        Case{"two certificates", two},
                        Case{"half a PEM", cut_pem, kAttestation},
                        Case{"a private key's label", Pem("EC PRIVATE KEY", spki), kAttestation},
                        Case{"a certificate called a key", Pem("PUBLIC KEY", certificate), kEndorsement},
                        Case{"a key called a certificate", Pem("CERTIFICATE", spki), kAttestation},
                        Case{"an authority", softtee::MintTpmRoot(Pki())},
                        Case{"an authority as PEM", Pem("CERTIFICATE", softtee::MintTpmRoot(Pki()))},
                        Case{"a certificate of no TPM",
                             softtee::MintEkCertificate(Pki(), Pki().rsa_ek, [](softtee::Certificate& c) { c.extensions.pop_back(); })},
                        Case{"half a certificate", Bytes(certificate.begin(), certificate.begin() + 100)}}) {
    EXPECT_NE(Why(c.bytes, c.kind), "") << c.what;
  }
}

TEST(KeyToEnrol, SaysWhatItIsAndWhatWasWanted) {
  EXPECT_EQ(Why(softtee::AkOf(Pki().p256_ak).Tpm2b(), kEndorsement), "an endorsement key / an attestation key");
  EXPECT_THAT(Why(Pki().p256_ak.SubjectPublicKeyInfo()), testing::HasSubstr("does not say whether"));
}

}  // namespace
}  // namespace assay::tpm
