// `assay attest --tpm` against assayd, each as its users have it, over real gRPC, with a real TPM: enrolled, activated, and neither.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tss2/tss2_esys.h>

#include <algorithm>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/agent/tpm.h"
#include "evidence/tcg_log/format.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"
#include "tests/swtpm/swtpm.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// What such a machine boots.
const tcg_log::test::PlainLog& Boot() {
  static const tcg_log::test::PlainLog log = tcg_log::test::PcrLog();
  return log;
}

std::string Policy() {
  return Cat(R"(apiVersion: assay.v1
kind: AppraisalPolicy
name: vtpm-prod
platform: qemu_vtpm
strength: {at_least: E}
trust_boundary: {require: []}
max_validity: 1h
admit_with_warnings: false
rules:
  - {claim: tpm.ak_trust, one_of: [enrolment, activation]}
  - {claim: tpm.revocation, one_of: [checked, not_published, no_certificate]}
  - {claim: log.secure_boot, equals: "true"}
  - {claim: tpm.sha256_pcr4, equals: ")",
             ToHex(Boot().Pcrs(0x000B).at(4)), R"("}
satisfies: {boot.covered: tpm.sha256_pcr4, owner: tpm.ak_trust}
)");
}
constexpr std::string_view kSet = R"(apiVersion: assay.v1
kind: PolicySet
name: vtpms
context: {cluster: vtpm, role: [worker]}
strength: {at_least: E}
trust_boundary: {require: []}
policies: [vtpm-prod]
)";

// A machine that has booted: its TPM, and the log of what its firmware extended.
struct Machine {
  explicit Machine(test::Swtpm::Certificates certificates) : swtpm(certificates) {
    const auto tpm = agent::Tpm::Open(swtpm.tcti());
    EXPECT_TRUE(tpm.ok());
    for (const tcg_log::test::PlainEvent& event : Boot().events) {
      TPML_DIGEST_VALUES digests{};
      for (const auto& [algorithm, size] : Boot().algorithms) {
        TPMT_HA& digest = digests.digests[digests.count++];
        digest.hashAlg = algorithm;
        const Bytes value = tcg_log::test::PlainLog::DigestOf(algorithm, size, event);
        std::copy(value.begin(), value.end(), digest.digest.sha512);
      }
      EXPECT_EQ(::Esys_PCR_Extend((*tpm)->esys(), ESYS_TR_PCR0 + event.index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digests),
                TSS2_RC_SUCCESS);
    }
  }
  // TPM2B_PUBLIC of the keys that the agent will use.
  std::string AttestationKey() const {
    return Text((*agent::Tpm::Open(swtpm.tcti()))->AttestationKey(agent::TpmKeyType::kP256)->public_area);
  }
  std::string EndorsementKey() const {
    return Text((*agent::Tpm::Open(swtpm.tcti()))->EndorsementKey(agent::TpmKeyType::kRsa2048)->public_area);
  }
  static std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

  test::Swtpm swtpm;
};

class RealTpmJoin : public ::testing::Test {
 protected:
  void SetUp() override { ASSAY_SWTPM_OR_SKIP(); }

  // `makers`: whose CA the verifier takes for endorsement keys, and finds in its collateral; nullptr: nobody's.
  void Start(const Machine* makers = nullptr) {
    std::string more;
    if (makers != nullptr) more = "tpm_ek_roots: [makers.pem]\ncollateral_dir: makers";
    verifier_ = std::make_unique<Verifier>("", more, std::nullopt, [&](const Site& site) {
      site.Write("policies/vtpm-prod.yaml", Policy());
      site.Write("policies/vtpms.yaml", kSet);
      site.Write("boot.log", Machine::Text(Boot().Write()));
      if (makers == nullptr) return;
      site.Write("makers.pem", Machine::Text(makers->swtpm.RootCertificate()));
      std::filesystem::create_directory(site.File("makers"));
      site.Write("makers/issuer.pem", Machine::Text(makers->swtpm.IssuerCertificate()));
    });
  }
  void Enrol(const std::string& key, v1::TpmKeyKind kind) {
    client::VerdictClient operators(OperatorChannel(verifier_->operators(), verifier_->site(), "operator"));
    v1::EnrolKeyRequest request;
    request.set_kind(kind);
    request.set_key(key);
    request.set_reason("rack 7");
    const auto enrolled = operators.EnrolKey(request);
    EXPECT_TRUE(enrolled.ok()) << MessageOf(enrolled.status());
  }
  // "exit code: what it printed"
  std::string Attest(const Machine& machine, std::vector<std::string> more = {}) {
    const Site& site = verifier_->site();
    const std::string output = site.File("output");
    std::filesystem::remove(output);
    std::vector<std::string> arguments = {test::Program("assay"),
                                          "attest",
                                          "--server",
                                          verifier_->join(),
                                          "--ca",
                                          site.File("tls/ca.pem"),
                                          "--cluster",
                                          "vtpm",
                                          "--role",
                                          "worker",
                                          "--platform",
                                          "qemu_vtpm",
                                          "--tpm",
                                          machine.swtpm.tcti(),
                                          "-v"};
    if (std::find(more.begin(), more.end(), "--event-log") == more.end()) more.insert(more.end(), {"--event-log", site.File("boot.log")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    Process process(arguments, output);
    const int code = process.Wait();
    return Cat(code, ": ", site.Text("output"));
  }

  std::unique_ptr<Verifier> verifier_;
};

TEST_F(RealTpmJoin, AnEnrolledAttestationKeyIsTrustedAndNoOther) {
  const Machine machine(test::Swtpm::Certificates::kNo), other(test::Swtpm::Certificates::kNo);
  Start();
  const std::string before = Attest(machine);
  EXPECT_THAT(before, StartsWith("4: REJECTED"));
  EXPECT_THAT(before, HasSubstr("ek_unvouched"));
  Enrol(machine.AttestationKey(), v1::TPM_KEY_KIND_ATTESTATION);
  const std::string joined = Attest(machine);
  EXPECT_THAT(joined, StartsWith("0: TRUSTED (simulated)")) << joined;
  EXPECT_THAT(joined, HasSubstr("enrolment"));
  EXPECT_THAT(joined, HasSubstr("qemu_vtpm"));
  EXPECT_THAT(Attest(other), StartsWith("4: REJECTED"));
  // Of another type it is another key.
  EXPECT_THAT(Attest(machine, {"--tpm-key", "rsa"}), StartsWith("4: REJECTED"));
}

TEST_F(RealTpmJoin, ATpmIsKnownByItsEnrolledEndorsementKey) {
  const Machine machine(test::Swtpm::Certificates::kNo), other(test::Swtpm::Certificates::kNo);
  Start();
  Enrol(machine.EndorsementKey(), v1::TPM_KEY_KIND_ENDORSEMENT);
  for (const char* type : {"p256", "rsa", "p384"}) {
    const std::string joined = Attest(machine, {"--tpm-key", type});
    EXPECT_THAT(joined, StartsWith("0: TRUSTED (simulated)")) << joined;
    EXPECT_THAT(joined, HasSubstr("activation"));
  }
  EXPECT_THAT(Attest(other), StartsWith("4: REJECTED"));
}

TEST_F(RealTpmJoin, ATpmIsKnownByItsMakersCertificate) {
  const Machine machine(test::Swtpm::Certificates::kYes), stranger(test::Swtpm::Certificates::kYes),
      uncertified(test::Swtpm::Certificates::kNo);
  Start(&machine);
  const std::string joined = Attest(machine);
  EXPECT_THAT(joined, StartsWith("0: TRUSTED (simulated)")) << joined;
  EXPECT_THAT(joined, HasSubstr("activation"));
  EXPECT_THAT(Attest(stranger), StartsWith("4: REJECTED")) << "of another maker";
  const std::string none = Attest(uncertified);
  EXPECT_THAT(none, StartsWith("4: REJECTED"));
  EXPECT_THAT(none, HasSubstr("ek_unvouched"));
}

TEST_F(RealTpmJoin, WhatBootedDecides) {
  Machine machine(test::Swtpm::Certificates::kNo);
  Start();
  Enrol(machine.AttestationKey(), v1::TPM_KEY_KIND_ATTESTATION);
  // The log of another boot.
  tcg_log::test::PlainLog other = Boot();
  other.events.pop_back();
  verifier_->site().Write("other.log", Machine::Text(other.Write()));
  const std::string mismatch = Attest(machine, {"--event-log", verifier_->site().File("other.log")});
  EXPECT_THAT(mismatch, StartsWith("4: REJECTED"));
  EXPECT_THAT(mismatch, HasSubstr("event_log_mismatch"));
  // Off and on, and nothing was measured: neither log nor registers fit.
  machine.swtpm.PowerCycle();
  machine.swtpm.Startup();
  EXPECT_THAT(Attest(machine), StartsWith("4: REJECTED"));
}

TEST_F(RealTpmJoin, ADraftFromSavedEvidenceLetsTheMachineIn) {
  const Machine machine(test::Swtpm::Certificates::kNo);
  Start();
  const Site& site = verifier_->site();
  site.Write("ak.pub", machine.AttestationKey());
  std::filesystem::create_directory(site.File("saved"));
  std::filesystem::create_directory(site.File("draft"));
  const std::string refused = Attest(machine, {"--save", site.File("saved")});
  EXPECT_THAT(refused, StartsWith("4: "));
  const std::size_t at = refused.find("--nonce ");
  ASSERT_NE(at, std::string::npos) << refused;
  const std::string nonce = refused.substr(at + 8, 64);
  std::vector<std::string> arguments = {
      test::Program("assay"), "policy", "from-evidence", "--platform", "qemu_vtpm",       "--nonce", nonce, "--enrolled-key",
      site.File("ak.pub"),    "--name", "ours",          "--to",       site.File("draft")};
  for (const auto& file : std::filesystem::directory_iterator(site.File("saved"))) arguments.push_back(file.path().string());
  {
    Process process(arguments, site.File("drafted"));
    EXPECT_EQ(process.Wait(), 0) << site.Text("drafted");
  }
  EXPECT_THAT(site.Text("drafted"), StartsWith("TRUSTED\n"));
  EXPECT_THAT(site.Text("draft/ours.yaml"), HasSubstr("owner: tpm.ak_trust"));
  EXPECT_THAT(site.Text("draft/ours-images.yaml"), HasSubstr(ToHex(Boot().Pcrs(0x000B).at(4))));
  // Without the enrolment it is no evidence at all.
  arguments.erase(std::find(arguments.begin(), arguments.end(), "--enrolled-key"), std::find(arguments.begin(), arguments.end(), "--name"));
  Process process(arguments, site.File("refused"));
  EXPECT_EQ(process.Wait(), 4);
  EXPECT_THAT(site.Text("refused"), HasSubstr("ak_unvouched"));
}

TEST_F(RealTpmJoin, ATpmThatIsNotThereIsSaidSo) {
  Machine machine(test::Swtpm::Certificates::kNo);
  Start();
  machine.swtpm.Kill();
  const std::string said = Attest(machine);
  EXPECT_THAT(said, StartsWith("2: "));
  EXPECT_THAT(said, HasSubstr("expected a TPM"));
  EXPECT_THAT(verifier_->log(), Not(HasSubstr("attestation_key")));
}

// A server whose policies take no TPM asks for none.
TEST_F(RealTpmJoin, AServerThatTakesNoTpmIsSaidSo) {
  const Machine machine(test::Swtpm::Certificates::kNo);
  Start();
  const Site& site = verifier_->site();
  Process process({test::Program("assay"), "attest", "--server", verifier_->join(), "--ca", site.File("tls/ca.pem"), "--cluster", "demo",
                   "--role", "worker", "--tpm", machine.swtpm.tcti()},
                  site.File("output"));
  EXPECT_EQ(process.Wait(), 2);
  EXPECT_THAT(site.Text("output"), HasSubstr("without --tpm"));
}

}  // namespace
}  // namespace assay::integration
