// What operators enrolled, on machines that have no TPM; the state's digest; and the roots that a configuration names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "appraisal/anchors_file.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "evidence/tpm/ak_certificate.h"
#include "registry/builtin_registry.h"
#include "tests/softtee/tpm_evidence.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

using testing::HasSubstr;

Enrolment For(std::string node, Enrolment::Of of = Enrolment::Of::kAttestationKey) {
  return {.of = of,
          .spki_sha256 = Bytes(32, 'k'),
          .tpm_name = {},
          .node = std::move(node),
          .why = "enrolled by spiffe://op at 2026-11-24T00:00:00Z: rack 7"};
}

// Attack 26: the name is one TPM's, so no machine without that TPM has it.
TEST(Enrolments, Attack026_AMachineWithoutTheTpmDoesNotGetItsName) {
  for (const Enrolment::Of of : {Enrolment::Of::kAttestationKey, Enrolment::Of::kEndorsementKey}) {
    const v1::Appraisal appraisal = Appraising{.state = {.tpm = {.asked_as = "demo/n1", .enrolments = {For("demo/n1", of)}}}}.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    const v1::Finding* finding = FindingOf(appraisal, "enrolment_conflict");
    ASSERT_NE(finding, nullptr) << Show(appraisal);
    EXPECT_EQ(finding->actual(), "none");
    EXPECT_THAT(finding->expected(), HasSubstr("rack 7"));
    EXPECT_EQ(ResultOf(appraisal, "enrolment.name"), v1::CHECK_RESULT_FAILED);
  }
}

TEST(Enrolments, OfOthersAreNobodysBusiness) {
  for (const Enrolment& enrolment : {For(""), For("demo/n2"), For("prod/n1")}) {
    const v1::Appraisal appraisal = Appraising{.state = {.tpm = {.asked_as = "demo/n1", .enrolments = {enrolment}}}}.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  }
  EXPECT_EQ(ResultOf(Appraising{}.Run(), "enrolment.name"), v1::CHECK_RESULT_UNSPECIFIED)
      << "where nothing is enrolled nothing was looked at";
}

// What evidence itself says nothing about: a secret that came back wrong rejects hardware reports as well.
TEST(Enrolments, AWrongSecretRejectsWhateverTheEvidenceIs) {
  using Result = ActivationOutcome::Result;
  const auto with = [](Result result) {
    return Appraising{.state = {.tpm = {.endorsement_key = Bytes(32, 'e'), .activation = ActivationOutcome{result, {1, 2}, {}, {3, 4}}}}}
        .Run();
  };
  EXPECT_NE(FindingOf(with(Result::kWrong), "activation_wrong"), nullptr);
  EXPECT_EQ(with(Result::kWrong).verdict(), v1::VERDICT_REJECTED);
  for (const Result result : {Result::kAbsent, Result::kRedeemed}) {
    EXPECT_EQ(with(result).verdict(), v1::VERDICT_TRUSTED) << Show(with(result));
  }
}

TEST(Enrolments, EveryPartOfTheStateIsInItsDigest) {
  const ActivationOutcome outcome{ActivationOutcome::Result::kRedeemed, {1}, {2}, {3}};
  const TpmState full{.asked_as = "demo/n1",
                      .attestation_key = Bytes(32, 1),
                      .endorsement_key = Bytes(32, 2),
                      .enrolments = {For("demo/n1")},
                      .activation = outcome};
  std::vector<TpmState> states(12, full);
  states[1].asked_as = "demo/n2";
  states[2].attestation_key.back() ^= 1;
  states[3].endorsement_key.clear();
  states[4].enrolments.push_back(For(""));
  states[5].enrolments[0].of = Enrolment::Of::kEndorsementKey;
  states[6].enrolments[0].tpm_name = {1};
  states[7].enrolments[0].why += "!";
  states[8].activation->result = ActivationOutcome::Result::kAbsent;
  states[9].activation->endorsement_certificate.clear();
  states[10].activation->attestation_key_name.push_back(0);
  states[11].activation.reset();
  std::set<crypto::Sha256Digest> digests;
  for (const TpmState& state : states) digests.insert(StateSnapshot{.tpm = state}.Digest());
  EXPECT_EQ(digests.size(), states.size());
  EXPECT_EQ(StateSnapshot{}.Digest(), (StateSnapshot{.tpm = {.asked_as = "demo/n1", .attestation_key = Bytes(32, 1)}}.Digest()))
      << "of verdicts from before there were enrolments";
}

TEST(Enrolments, AStateIsTheSameAgainOutOfItsRecord) {
  v1::VerdictRecord record;
  record.mutable_context()->set_cluster("demo");
  record.mutable_context()->set_name("n1");
  for (const ActivationOutcome::Result result :
       {ActivationOutcome::Result::kRedeemed, ActivationOutcome::Result::kAbsent, ActivationOutcome::Result::kWrong}) {
    const TpmState state{.asked_as = "demo/n1",
                         .attestation_key = Bytes(32, 1),
                         .endorsement_key = Bytes(32, 2),
                         .enrolments = {For("demo/n1"), For("", Enrolment::Of::kEndorsementKey)},
                         .activation = ActivationOutcome{result, {1}, {2}, {3}}};
    Write(state, *record.mutable_state());
    EXPECT_EQ(StateSnapshot{.tpm = TpmStateOf(record)}.Digest(), StateSnapshot{.tpm = state}.Digest());
  }
  Write({}, *record.mutable_state());
  EXPECT_FALSE(record.state().has_activation());
  EXPECT_EQ(record.state().enrolments_size(), 0);
}

class TpmRootsFile : public testing::Test {
 protected:
  TpmRootsFile() {
    std::string path = (std::filesystem::temp_directory_path() / "assay-roots-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
  }
  ~TpmRootsFile() override { std::filesystem::remove_all(directory_); }
  absl::StatusOr<TpmRoots> Load(std::string_view text) {
    const std::string path = (directory_ / "roots.pem").string();
    std::ofstream(path, std::ios::binary) << text;
    return LoadTpmRoots(path);
  }
  static std::string Pem(ByteView der) { return codec::EncodePem("CERTIFICATE", der); }
  std::filesystem::path directory_;
};

TEST_F(TpmRootsFile, EveryAuthorityInItIsAnAnchor) {
  const softtee::TpmPki& pki = softtee::TpmPki::Shared();
  const auto roots = Load(Pem(softtee::MintTpmRoot(pki)) + Pem(softtee::MintTpmIssuer(pki)));
  ASSERT_TRUE(roots.ok()) << roots.status();
  EXPECT_EQ(roots->anchors.size(), 2U);
  EXPECT_EQ(roots->certificates.size(), 2U);
  const trust::AnchorSet builtin = BuiltinAnchors(BuiltinRegistry()), more = WithAnchors(builtin, roots->anchors);
  const crypto::Sha256Digest root = crypto::Sha256(pki.root.SubjectPublicKeyInfo());
  EXPECT_FALSE(builtin.HasAnchorFor("operator", "tpm"));
  EXPECT_TRUE(more.Pins("operator", "tpm", root));
  EXPECT_FALSE(more.Pins("google", "tpm", root)) << "of nobody else's vendors";
  EXPECT_FALSE(more.simulated());
  EXPECT_NE(more.Digest(), builtin.Digest());
  EXPECT_EQ(more.anchors().size(), builtin.anchors().size() + 2);
  EXPECT_EQ(Load(AsText(softtee::MintTpmRoot(pki)))->anchors.size(), 1U) << "DER";
}

TEST(TpmAuthorities, MakersOfProcessorsHaveSomeBesideThoseOfTheirTees) {
  for (const std::string_view name :
       {"CN=AMDTPM, O=Advanced Micro Devices", "CN=www.intel.com, O=Intel Corporation, OU=TPM EK root cert signing"}) {
    EXPECT_FALSE(tpm::IsOfAnotherFormat(name)) << name;
  }
  for (const std::string_view name : {"CN=ARK-Milan, O=Advanced Micro Devices", "O=Advanced Micro Devices, CN=SEV-VLEK-Genoa",
                                      "CN=Intel SGX Root CA, O=Intel Corporation"}) {
    EXPECT_TRUE(tpm::IsOfAnotherFormat(name)) << name;
  }
}

TEST_F(TpmRootsFile, WhatIsNoAuthorityIsRefused) {
  const softtee::TpmPki& pki = softtee::TpmPki::Shared();
  const std::string leaf = Pem(softtee::MintEkCertificate(pki, pki.rsa_ek)), root = Pem(softtee::MintTpmRoot(pki));
  for (const std::string& text : {std::string(), std::string("garbage"), leaf, root + leaf, root.substr(0, root.size() / 2),
                                  codec::EncodePem("PUBLIC KEY", pki.root.SubjectPublicKeyInfo())}) {
    const auto roots = Load(text);
    EXPECT_TRUE(absl::IsInvalidArgument(roots.status())) << text.substr(0, 40);
    EXPECT_THAT(std::string(roots.status().message()), HasSubstr("tpm_ek_roots"));
  }
  EXPECT_FALSE(LoadTpmRoots((directory_ / "nowhere").string()).ok());
  EXPECT_FALSE(LoadAnchors(BuiltinRegistry(), "", {(directory_ / "nowhere").string()}).ok());
}

}  // namespace
}  // namespace assay::appraisal
