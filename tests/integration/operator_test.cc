// The operator listener: who may read what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appraisal/appraiser.h"
#include "base/absl_bridge.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/digest.h"
#include "crypto/private_key.h"
#include "tests/integration/verifier.h"
#include "tests/softtee/dev_tls.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

client::ChannelOptions Channel(const std::string& address, const Site& site, std::string certificate, std::string key) {
  client::ChannelOptions options;
  options.address = address;
  options.ca_pem = site.Text("tls/ca.pem");
  options.certificate_pem = std::move(certificate);
  options.key_pem = std::move(key);
  options.timeout = std::chrono::seconds(20);
  return options;
}

absl::StatusOr<v1::GetVerdictResponse> Get(const client::ChannelOptions& options, const std::string& id) {
  v1::GetVerdictRequest request;
  request.set_verdict_id(id);
  return client::VerdictClient(options).GetVerdict(request);
}

TEST(Operators, AViewerReadsTheRecordOfAVerdict) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  const auto response = JoinAs(node);
  ASSERT_TRUE(response.ok());
  const auto record =
      Get(Channel(verifier.operators(), verifier.site(), verifier.site().Text("tls/viewer.pem"), verifier.site().Text("tls/viewer.key")),
          response->verdict_id());
  ASSERT_TRUE(record.ok()) << Message(record.status());
  const std::string canonical = appraisal::CanonicalJson(response->appraisal());
  EXPECT_EQ(appraisal::CanonicalJson(record->record().appraisal()), canonical);
  EXPECT_EQ(record->record().appraisal_sha256(), AsText(crypto::Sha256(AsBytes(canonical))));
  EXPECT_EQ(record->record().context().name(), "node-1");
  EXPECT_EQ(record->record().demanded_report_data().size(), 64u);
  EXPECT_EQ(record->record().evidence_media_types_size(), record->record().appraisal().digests().evidence_size());
}

// GetVerdict × who asks.
TEST(Operators, OnlyARoleOpensTheRecord) {
  Verifier verifier;
  const Site& site = verifier.site();
  Site foreign;  // another CA, the same names
  const crypto::PrivateKey key = crypto::PrivateKey::GenerateP256();
  const Time now = SystemClock().Now();
  const std::string self_signed =
      codec::EncodePem("CERTIFICATE", *key.SelfSignedCertificate("viewer", now - Duration(60), now + Duration(600)));
  const std::string id(26, '0');
  struct Case {
    std::string_view who;
    std::string certificate, key;
    absl::StatusCode code;
    std::string_view message;
  };
  for (
      const Case& c : {
          Case{"nobody", "", "", absl::StatusCode::kUnauthenticated, ""},
          Case{"self-signed", self_signed, std::string(key.ToPem().view()), absl::StatusCode::kUnauthenticated, ""},
          Case{"another CA's viewer", foreign.Text("tls/viewer.pem"), foreign.Text("tls/viewer.key"), absl::StatusCode::kUnauthenticated,
               ""},
          Case{
              "a name without role", site.Text("tls/admin.pem"), site.Text("tls/admin.key"), absl::StatusCode::kPermissionDenied,
              "permission_denied (5010) at client certificate: expected an identity with the role viewer, actual spiffe://dev.assay/operator/admin"},
          Case{"viewer", site.Text("tls/viewer.pem"), site.Text("tls/viewer.key"), absl::StatusCode::kNotFound, "not_found (5011)"},
      }) {
    const auto answer = Get(Channel(verifier.operators(), site, c.certificate, c.key), id);
    // TLS 1.3 tells a refused client only when it reads: gRPC shows that as an unreachable server now and then.
    const bool refused = c.code == absl::StatusCode::kUnauthenticated && absl::IsUnavailable(answer.status());
    EXPECT_TRUE(answer.status().code() == c.code || refused) << c.who << ": " << Message(answer.status());
    EXPECT_THAT(Message(answer.status()), HasSubstr(std::string(c.message))) << c.who;
  }
}

TEST(Operators, AnIdThatIsNoneIsSaidSo) {
  Verifier verifier;
  const auto options =
      Channel(verifier.operators(), verifier.site(), verifier.site().Text("tls/viewer.pem"), verifier.site().Text("tls/viewer.key"));
  for (const std::string& id :
       {std::string(), std::string("x"), std::string(26, 'I'), std::string(4096, '0'), std::string("' OR 1=1 --")}) {
    const auto answer = Get(options, id);
    EXPECT_TRUE(absl::IsInvalidArgument(answer.status())) << Message(answer.status());
    EXPECT_THAT(Message(answer.status()), HasSubstr("verdict_id"));
  }
}

TEST(Operators, EachListenerHasItsOwnCalls) {
  Verifier verifier;
  const Site& site = verifier.site();
  const std::string certificate = site.Text("tls/viewer.pem"), key = site.Text("tls/viewer.key");
  client::JoinClient join(Channel(verifier.operators(), site, certificate, key));
  EXPECT_THAT(Message(join.CreateChallenge({}).status()), HasSubstr("a listener each"));
  EXPECT_THAT(Message(Get(Channel(verifier.join(), site, certificate, key), std::string(26, '0')).status()), HasSubstr("a listener each"));
}

}  // namespace
}  // namespace assay::integration
