// Keys of TPMs through the front door: enrolled by operators, activated over the join protocol, and what falls when an enrolment ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "appraisal/canonical.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/binding_transcript.h"
#include "registry/builtin_registry.h"
#include "tests/fakes/vtpm_platform.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;

const softtee::TpmPki& Pki() { return softtee::TpmPki::Shared(); }
std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }
std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }
std::string DigestOf(const softtee::Key& key) { return Text(softtee::Sha256(key.SubjectPublicKeyInfo())); }

const fakes::RegistryWithVtpm& WithVtpm() {
  static const fakes::RegistryWithVtpm registry(BuiltinRegistry());
  return registry;
}

void Prepare(const Site& site) {
  site.Write("policies/test-vtpm.yaml", fakes::kVtpmPolicy);
  site.Write("policies/vtpm-workers.yaml", fakes::kVtpmSet);
  site.Write("makers.pem", codec::EncodePem("CERTIFICATE", softtee::MintTpmRoot(Pki(), SystemClock().Now())));
}

std::string ParameterOf(const v1::CreateChallengeResponse& challenge, std::string_view name) {
  for (const v1::EvidenceRequest& request : challenge.requests()) {
    for (const v1::EvidenceRequest::Parameter& parameter : request.parameters()) {
      if (parameter.name() == name) return parameter.value();
    }
  }
  return "";
}
Bytes Tpm2bOf(const v1::CreateChallengeResponse& challenge, std::string_view name) {
  const Bytes bytes = FromHex(ParameterOf(challenge, name)).value_or(Bytes{});
  return bytes.size() < 2 ? Bytes{} : Bytes(bytes.begin() + 2, bytes.end());
}

class EnrolmentOverGrpc : public ::testing::Test {
 protected:
  explicit EnrolmentOverGrpc(std::string_view more = "") : verifier_("", more, std::nullopt, &Prepare, &WithVtpm().get()) {}
  client::VerdictClient As(std::string_view who) {
    return client::VerdictClient(OperatorChannel(verifier_.operators(), verifier_.site(), who));
  }

  absl::StatusOr<v1::EnrolKeyResponse> Enrol(std::string_view key, std::string_view node = "", std::string_view who = "operator",
                                             v1::TpmKeyKind kind = v1::TPM_KEY_KIND_UNSPECIFIED) {
    v1::EnrolKeyRequest request;
    request.set_kind(kind);
    request.set_key(std::string(key));
    request.set_node(std::string(node));
    request.set_reason("a test");
    return As(who).EnrolKey(request);
  }

  // A node with a TPM that has `ek` and a P-256 attestation key, over gRPC.
  absl::StatusOr<v1::AttestResponse> Join(const softtee::Key& ek, const std::string& certificate = "", std::optional<Bytes> secret = {}) {
    Node node(verifier_.join(), verifier_.site());
    v1::CreateChallengeRequest ask = node.Ask();
    ask.mutable_context()->set_cluster("vtpm");
    ask.mutable_context()->set_name("n1");
    const softtee::TpmPublic ak = softtee::AkOf(Pki().p256_ak);
    ask.mutable_keys()->set_tpm_ak(Text(ak.Tpm2b()));
    ask.mutable_keys()->set_tpm_ek(Text(softtee::EkOf(ek).Tpm2b()));
    ask.mutable_keys()->set_tpm_ek_certificate(certificate);
    const auto challenge = node.CreateChallenge(ask);
    if (!challenge.ok()) return challenge.status();
    v1::AttestRequest answer;
    answer.set_challenge(challenge->challenge());
    *answer.mutable_context() = ask.context();
    *answer.mutable_keys() = ask.keys();
    answer.set_activation_secret(Text(secret ? *secret
                                             : softtee::ActivateCredential(ek, ak.Name(), Tpm2bOf(*challenge, "credential_blob"),
                                                                           Tpm2bOf(*challenge, "encrypted_secret"))));
    const crypto::BindingTranscript transcript{.nonce = ToBytes(AsBytes(challenge->nonce())),
                                               .node_spki = ToBytes(node.key().public_key().spki()),
                                               .csr_sha256 = {},
                                               .cluster = "vtpm",
                                               .role = "worker",
                                               .name = "n1",
                                               .tpm_ak = ak.Tpm2b(),
                                               .server_spki_sha256 = ToBytes(AsBytes(challenge->server_spki_sha256()))};
    const softtee::TpmEvidence evidence =
        softtee::MintTpm(Pki(), {.extra_data = ToBytes(transcript.ExtraData()),
                                 .ak = softtee::TpmAk::kP256,
                                 .now = SystemClock().Now(),
                                 .change = [](softtee::TpmParts& parts) { parts.with_certificate = false; }});
    for (const softtee::Item& item : evidence.items) {
      v1::EvidenceItem& added = *answer.add_items();
      added.set_media_type(item.media_type);
      added.set_body(Text(item.body));
    }
    return node.Attest(answer);
  }
  static std::string Outcome(const absl::StatusOr<v1::AttestResponse>& response) {
    if (!response.ok()) return Message(response.status());
    std::string text = v1::Verdict_Name(response->appraisal().verdict()).substr(8);
    for (const v1::Finding& finding : response->appraisal().findings()) {
      if (finding.effect() == v1::EFFECT_REJECT) text += Cat(" ", finding.reason());
    }
    return text;
  }
  static std::string ClaimOf(const v1::Appraisal& appraisal, std::string_view name) {
    for (const v1::Claim& claim : appraisal.claims()) {
      if (claim.name() == name) return claim.text();
    }
    return "absent";
  }

  Verifier verifier_;
};

class EnrolmentWithRoots : public EnrolmentOverGrpc {
 protected:
  EnrolmentWithRoots() : EnrolmentOverGrpc("tpm_ek_roots: [makers.pem]") {}
};

TEST_F(EnrolmentOverGrpc, AnEnrolledTpmJoinsUntilItIsUnenrolled) {
  EXPECT_EQ(Outcome(Join(Pki().rsa_ek)), "REJECTED ek_unvouched");
  const auto enrolled = Enrol(Text(softtee::EkOf(Pki().rsa_ek).Tpm2b()), "vtpm/n1");
  ASSERT_TRUE(enrolled.ok()) << Message(enrolled.status());
  EXPECT_EQ(enrolled->enrolment().kind(), v1::TPM_KEY_KIND_ENDORSEMENT);
  EXPECT_EQ(enrolled->enrolment().spki_sha256(), DigestOf(Pki().rsa_ek));
  EXPECT_EQ(enrolled->enrolment().by(), "spiffe://dev.assay/operator/operator");
  EXPECT_EQ(enrolled->enrolment().tpm_name(), Text(softtee::EkOf(Pki().rsa_ek).Name()));

  const auto joined = Join(Pki().rsa_ek);
  ASSERT_EQ(Outcome(joined), "TRUSTED_WITH_WARNINGS");
  EXPECT_EQ(ClaimOf(joined->appraisal(), "tpm.ak_trust"), "activation");
  EXPECT_EQ(ClaimOf(joined->appraisal(), "tpm.ek_trust"), "enrolment");
  EXPECT_EQ(Outcome(Join(Pki().rsa_ek, "", Bytes(32, 1))), "REJECTED activation_wrong ak_unvouched");
  EXPECT_EQ(Outcome(Join(Pki().rsa_ek, "", Bytes())), "REJECTED ak_unvouched") << "enrolled, and not activated";
  EXPECT_EQ(Outcome(Join(Pki().p256_ek)), "REJECTED ek_unvouched enrolment_conflict") << "another TPM under the name";

  v1::ReplayVerdictRequest replay;
  replay.set_verdict_id(joined->verdict_id());
  const auto replayed = As("viewer").ReplayVerdict(replay);
  ASSERT_TRUE(replayed.ok()) << Message(replayed.status());
  EXPECT_EQ(replayed->missing_size(), 0);
  EXPECT_EQ(replayed->differences_size(), 0) << replayed->ShortDebugString();

  const auto listed = As("viewer").ListEnrolments({});
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->enrolments_size(), 1);
  EXPECT_EQ(listed->enrolments(0).node(), "vtpm/n1");

  v1::UnenrolKeyRequest unenrol;
  unenrol.set_spki_sha256(DigestOf(Pki().rsa_ek));
  unenrol.set_reason("stolen");
  ASSERT_TRUE(As("operator").UnenrolKey(unenrol).ok());
  EXPECT_TRUE(absl::IsNotFound(As("operator").UnenrolKey(unenrol).status()));
  // The flip comes by itself; the test's own time-out ends the waiting.
  v1::VerdictEvent flip;
  v1::WatchVerdictsRequest watch;
  watch.set_after(1);
  EXPECT_TRUE(As("viewer")
                  .WatchVerdicts(watch,
                                 [&](const v1::WatchVerdictsResponse& response) {
                                   if (response.event().kind() == v1::EVENT_KIND_FLIPPED) flip = response.event();
                                   return !flip.has_verdict();
                                 })
                  .ok());
  EXPECT_EQ(flip.verdict().id(), joined->verdict_id());
  EXPECT_THAT(flip.reason(), HasSubstr("became REJECTED: ek_unvouched"));
  EXPECT_THAT(flip.reason(), HasSubstr(Cat("end of the enrolment of ", ToHex(AsBytes(DigestOf(Pki().rsa_ek))))));
  EXPECT_EQ(flip.verdict().revocation().by(), "assayd");
  EXPECT_EQ(Outcome(Join(Pki().rsa_ek)), "REJECTED ek_unvouched");
  EXPECT_THAT(verifier_.log(), HasSubstr("\"rpc\":\"EnrolKey\""));
  EXPECT_THAT(verifier_.log(), HasSubstr("\"rpc\":\"UnenrolKey\""));
}

TEST_F(EnrolmentWithRoots, ATpmWhoseMakerIsConfiguredJoins) {
  const std::string certificate = Text(softtee::MintEkCertificate(Pki(), Pki().rsa_ek, {}, nullptr, SystemClock().Now()));
  const auto joined = Join(Pki().rsa_ek, certificate);
  ASSERT_EQ(Outcome(joined), "TRUSTED_WITH_WARNINGS");
  EXPECT_EQ(ClaimOf(joined->appraisal(), "tpm.ek_trust"), "certificate");
  EXPECT_EQ(Outcome(Join(Pki().rsa_ek)), "REJECTED ek_unvouched") << "without the certificate";
  EXPECT_EQ(Outcome(Join(Pki().rsa_ek, Text(softtee::MintEkCertificate(Pki(), Pki().rsa_ek, {}, &Pki().stranger, SystemClock().Now())))),
            "REJECTED chain_broken");
  EXPECT_EQ(Outcome(Join(Pki().p256_ek, certificate)), "REJECTED ak_mismatch") << "of another key";
}

TEST_F(EnrolmentOverGrpc, NobodyBelowOperatorEnrols) {
  const std::string key = Text(softtee::EkOf(Pki().rsa_ek).Tpm2b());
  EXPECT_TRUE(absl::IsPermissionDenied(Enrol(key, "", "viewer").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Enrol(key, "", "admin").status())) << "whose name this configuration gives no role";
  for (const std::string_view who : {"", "self-signed", "foreign"}) EXPECT_FALSE(Enrol(key, "", who).ok()) << who;
  EXPECT_EQ(As("viewer").ListEnrolments({})->enrolments_size(), 0);
}

TEST_F(EnrolmentOverGrpc, WhatIsNoKeyOrNoNameIsRefusedByName) {
  const std::string key = Text(softtee::EkOf(Pki().rsa_ek).Tpm2b()), spki = Text(Pki().rsa_ek.SubjectPublicKeyInfo());
  struct Case {
    std::string key, node, said;
    v1::TpmKeyKind kind = v1::TPM_KEY_KIND_UNSPECIFIED;
  };
  for (const Case& c : {Case{"", "", "at key"}, Case{std::string(8193, 'x'), "", "at key: expected 1 to 8192 bytes"},
                        Case{"garbage", "", "at key"}, Case{key.substr(1), "", "at key"},
                        Case{key, "", "at key: expected an attestation key, actual an endorsement key", v1::TPM_KEY_KIND_ATTESTATION},
                        Case{spki, "", "at key"}, Case{key, "n1", "cluster/name"},
                        Case{Text(softtee::MintTpmRoot(Pki())), "", "the certificate of an authority"}}) {
    const auto answer = Enrol(c.key, c.node, "operator", c.kind);
    EXPECT_TRUE(absl::IsInvalidArgument(answer.status())) << Message(answer.status());
    EXPECT_THAT(Message(answer.status()), HasSubstr(c.said));
  }
  v1::EnrolKeyRequest no_reason;
  no_reason.set_key(key);
  EXPECT_THAT(Message(As("operator").EnrolKey(no_reason).status()), HasSubstr("at reason"));
  v1::UnenrolKeyRequest short_digest;
  short_digest.set_spki_sha256("short");
  short_digest.set_reason("a test");
  EXPECT_THAT(Message(As("operator").UnenrolKey(short_digest).status()), HasSubstr("at spki_sha256: expected 32 bytes, actual 5 bytes"));
  EXPECT_EQ(As("viewer").ListEnrolments({})->enrolments_size(), 0);
}

TEST_F(EnrolmentOverGrpc, Attack026_AnotherKeyIsNotEnrolledOverTheFirst) {
  ASSERT_TRUE(Enrol(Text(softtee::EkOf(Pki().rsa_ek).Tpm2b()), "vtpm/n1").ok());
  for (const auto& [key, node] : {std::pair(Text(softtee::EkOf(Pki().p256_ek).Tpm2b()), "vtpm/n1"),
                                  std::pair(Text(softtee::EkOf(Pki().rsa_ek).Tpm2b()), "vtpm/n2")}) {
    const auto answer = Enrol(key, node);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kFailedPrecondition) << Message(answer.status());
    EXPECT_THAT(Message(answer.status()), HasSubstr("enrolment_taken (5020)"));
    EXPECT_THAT(Message(answer.status()), HasSubstr("enrolled by spiffe://dev.assay/operator/operator"));
  }
  EXPECT_EQ(As("viewer").ListEnrolments({})->enrolments_size(), 1);
}

TEST_F(EnrolmentOverGrpc, TheCommandsDoAllOfIt) {
  const Site& site = verifier_.site();
  site.Write("ek.pub", Text(softtee::EkOf(Pki().rsa_ek).Tpm2b()));
  site.Write("ek.pem", codec::EncodePem("PUBLIC KEY", Pki().p256_ek.SubjectPublicKeyInfo()));
  site.Write("empty", "");
  const auto run = [&](std::vector<std::string> arguments, std::string_view who = "operator") {
    const std::string output = site.File("output");
    std::filesystem::remove(output);
    arguments.insert(arguments.begin(), {test::Program("assay"), "node"});
    for (const std::string& more :
         {std::string("--server"), verifier_.operators(), std::string("--ca"), site.File("tls/ca.pem"), std::string("--cert"),
          site.File(Cat("tls/", who, ".pem")), std::string("--key"), site.File(Cat("tls/", who, ".key"))}) {
      arguments.push_back(more);
    }
    Process process(arguments, output);
    const int code = process.Wait();
    return Cat(code, ": ", site.Text("output"));
  };
  const std::string digest = ToHex(AsBytes(DigestOf(Pki().rsa_ek)));
  EXPECT_THAT(run({"enroll", site.File("ek.pub"), "--node", "vtpm/n1", "--reason", "rack 7"}),
              HasSubstr(Cat("0: enrolled the endorsement key ", digest, " for vtpm/n1 since ")));
  EXPECT_THAT(run({"enroll", site.File("ek.pem"), "--reason", "x"}), HasSubstr("a bare public key does not say"));
  EXPECT_THAT(run({"enroll", site.File("ek.pem"), "--kind", "endorsement", "--reason", "x"}), HasSubstr("Without its public area"));
  EXPECT_THAT(run({"enroll", site.File("ek.pem"), "--kind", "nonsense", "--reason", "x"}), HasSubstr("2: "));
  EXPECT_THAT(run({"enroll", site.File("nowhere"), "--reason", "x"}), HasSubstr("nowhere"));
  EXPECT_THAT(run({"enroll", site.File("empty"), "--reason", "x"}), HasSubstr("1 to 8192 bytes"));
  EXPECT_THAT(run({"enroll", site.File("ek.pub")}), HasSubstr("--reason"));
  EXPECT_THAT(run({"enroll", site.File("ek.pub"), "--reason", "x"}, "viewer"), HasSubstr("permission_denied"));
  EXPECT_THAT(run({"enrolments"}, "viewer"), HasSubstr(digest));
  EXPECT_THAT(run({"enrolments", "-o", "json"}, "viewer"), HasSubstr("\"node\": \"vtpm/n1\""));
  EXPECT_THAT(run({"unenroll", "nonsense", "--reason", "x"}), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(run({"unenroll", digest, "--reason", "sold"}), HasSubstr(Cat("0: unenrolled ", digest)));
  EXPECT_THAT(run({"unenroll", digest, "--reason", "sold"}), HasSubstr("not_found"));
}

}  // namespace
}  // namespace assay::integration
